/**
 * Well-known listings, so that a demo looks like something. Prices are rough and old: everything that is shown is
 * simulated from them. Each row: code, name, sector, price in the exchange's currency, daily volume in million shares.
 */
import type { MarketCode } from './exchanges.ts'

export type CompanyRow = readonly [code: string, name: string, sector: string, price: number, dailyVolumeMillions: number]

export const COMPANIES: Readonly<Record<MarketCode, readonly CompanyRow[]>> = {
  US: rows(`
    AAPL  Apple                  Technology  229.35  52
    MSFT  Microsoft              Technology  441.58  21
    NVDA  Nvidia                 Technology  138.25  240
    AMZN  Amazon                 Consumer    205.74  38
    GOOGL Alphabet               Technology  176.49  27
    META  Meta Platforms         Technology  591.24  12
    TSLA  Tesla                  Consumer    338.59  96
    AVGO  Broadcom               Technology  172.42  25
    AMD   AMD                    Technology  141.86  44
    NFLX  Netflix                Media       874.29  3.6
    JPM   JPMorgan Chase         Financials  243.09  8.8
    V     Visa                   Financials  309.72  5.9
    MA    Mastercard             Financials  521.36  2.4
    BAC   Bank of America        Financials  46.12   34
    GS    Goldman Sachs          Financials  591.45  1.9
    WMT   Walmart                Consumer    88.62   16
    COST  Costco                 Consumer    931.17  1.8
    KO    Coca-Cola              Consumer    63.75   14
    PEP   PepsiCo                Consumer    159.24  5.6
    MCD   McDonald's             Consumer    293.57  3.2
    NKE   Nike                   Consumer    77.21   11
    SBUX  Starbucks              Consumer    98.47   8.1
    DIS   Walt Disney            Media       114.63  9.7
    XOM   ExxonMobil             Energy      118.28  14
    CVX   Chevron                Energy      159.06  7.4
    JNJ   Johnson & Johnson      Health      154.83  7.1
    LLY   Eli Lilly              Health      783.52  3.3
    PFE   Pfizer                 Health      25.71   39
    MRK   Merck                  Health      99.84   11
    UNH   UnitedHealth           Health      594.38  3.9
    BA    Boeing                 Industry    153.29  8.3
    CAT   Caterpillar            Industry    389.14  2.7
    GE    GE Aerospace           Industry    180.92  4.6
    UPS   UPS                    Industry    134.75  4.1
    INTC  Intel                  Technology  24.36   62
    QCOM  Qualcomm               Technology  160.21  8.5
    MU    Micron                 Technology  102.76  19
    ORCL  Oracle                 Technology  186.93  8.9
    CRM   Salesforce             Technology  332.47  6.2
    ADBE  Adobe                  Technology  512.38  3.1
    CSCO  Cisco                  Technology  58.64   17
    IBM   IBM                    Technology  221.68  3.7
    UBER  Uber                   Technology  71.83   21
    PLTR  Palantir               Technology  65.42   78
    COIN  Coinbase               Financials  296.18  13
    F     Ford                   Consumer    11.27   49
    GM    General Motors         Consumer    56.38   13
    T     AT&T                   Telecom     23.14   33
    VZ    Verizon                Telecom     43.52   16
    BABA  Alibaba ADR            Consumer    87.36   14
    PDD   PDD Holdings           Consumer    101.45  12
    JD    JD.com ADR             Consumer    36.24   11
    NIO   NIO ADR                Consumer    4.68    46
    BIDU  Baidu ADR              Technology  86.53   3.8
  `),
  HK: rows(`
    0700  Tencent                Technology  403.60  18
    9988  Alibaba                Consumer    84.95   72
    3690  Meituan                Consumer    166.90  31
    9618  JD.com                 Consumer    141.30  12
    1810  Xiaomi                 Technology  28.36   140
    9888  Baidu                  Technology  83.45   9.2
    9999  NetEase                Technology  135.20  7.8
    1024  Kuaishou               Media       49.34   27
    0981  SMIC                   Technology  26.88   84
    0992  Lenovo                 Technology  9.17    61
    1211  BYD                    Consumer    268.40  5.1
    2015  Li Auto                Consumer    92.85   14
    9868  XPeng                  Consumer    48.62   16
    9866  NIO                    Consumer    36.18   5.4
    0175  Geely                  Consumer    14.53   58
    0005  HSBC                   Financials  72.45   21
    1299  AIA                    Financials  59.15   28
    0388  HKEX                   Financials  298.60  7.1
    2318  Ping An                Financials  46.02   37
    3968  China Merchants Bank   Financials  36.74   14
    0939  CCB                    Financials  5.96    260
    1398  ICBC                   Financials  4.72    230
    3988  Bank of China          Financials  3.64    250
    0011  Hang Seng Bank         Financials  93.55   1.7
    2628  China Life             Financials  15.87   38
    0941  China Mobile           Telecom     70.35   16
    0728  China Telecom          Telecom     4.57    72
    0762  China Unicom           Telecom     6.63    48
    0883  CNOOC                  Energy      17.34   64
    0857  PetroChina             Energy      5.71    118
    0386  Sinopec                Energy      4.28    104
    1088  China Shenhua          Energy      32.46   17
    0016  Sun Hung Kai           Property    78.30   3.6
    0001  CK Hutchison           Industry    40.95   5.2
    1113  CK Asset               Property    32.12   4.3
    0002  CLP                    Utilities   65.25   3.1
    0003  HK & China Gas         Utilities   6.12    17
    0006  Power Assets           Utilities   51.70   2.4
    0066  MTR                    Industry    27.62   5.8
    0027  Galaxy Entertainment   Consumer    35.28   13
    1928  Sands China            Consumer    20.44   19
    2020  Anta                   Consumer    77.65   7.9
    2331  Li Ning                Consumer    16.22   26
    9633  Nongfu Spring          Consumer    33.74   7.2
    6862  Haidilao               Consumer    15.96   15
    2269  WuXi Biologics         Health      15.41   61
    1177  Sino Biopharm          Health      3.35    84
    1093  CSPC                   Health      5.03    92
    0020  SenseTime              Technology  1.48    480
    0285  BYD Electronic         Technology  33.08   11
  `),
  SH: rows(`
    600519 Kweichow Moutai       Consumer    1528.35 3.1
    601318 Ping An Insurance     Financials  54.27   62
    600036 China Merchants Bank  Financials  37.82   58
    601398 ICBC                  Financials  6.24    280
    601288 Agricultural Bank     Financials  4.83    310
    601939 CCB                   Financials  8.16    92
    600900 Yangtze Power         Utilities   28.06   84
    601857 PetroChina            Energy      8.21    140
    600028 Sinopec               Energy      6.37    130
    601088 China Shenhua         Energy      40.75   31
    600276 Hengrui Medicine      Health      48.93   36
    601012 LONGi Green Energy    Energy      17.46   120
    600030 CITIC Securities      Financials  30.58   165
    601888 China Tourism         Consumer    69.74   21
    600887 Yili                  Consumer    28.47   52
    601166 Industrial Bank       Financials  18.52   71
    600309 Wanhua Chemical       Industry    75.63   15
    600031 Sany Heavy            Industry    17.28   68
    601899 Zijin Mining          Materials   16.34   190
    603259 WuXi AppTec           Health      53.18   29
    600809 Shanxi Fen Wine       Consumer    205.46  5.2
    601668 China State Const.    Industry    6.08    210
    600050 China Unicom          Telecom     5.22    260
    601728 China Telecom         Telecom     6.71    110
    600941 China Mobile          Telecom     103.82  8.4
    603501 Will Semiconductor    Technology  104.57  14
    600436 Pien Tze Huang        Health      232.14  2.2
    601633 Great Wall Motor      Consumer    26.85   24
    600104 SAIC Motor            Consumer    18.07   94
    601225 Shaanxi Coal          Energy      24.13   41
    600585 Conch Cement          Materials   26.42   27
    600690 Haier Smart Home      Consumer    29.36   37
  `),
  SZ: rows(`
    000858 Wuliangye             Consumer    147.62  18
    300750 CATL                  Industry    261.83  24
    002594 BYD                   Consumer    283.47  14
    000333 Midea                 Consumer    71.58   28
    000651 Gree                  Consumer    43.26   34
    300059 East Money            Financials  26.74   310
    002415 Hikvision             Technology  31.05   47
    000001 Ping An Bank          Financials  11.52   130
    000002 Vanke                 Property    8.34    220
    300760 Mindray               Health      259.17  6.3
    002475 Luxshare              Technology  39.84   76
    000725 BOE Technology        Technology  4.46    540
    002714 Muyuan                Consumer    40.28   33
    300274 Sungrow               Energy      82.73   39
    002352 SF Holding            Industry    41.96   19
    000568 Luzhou Laojiao        Consumer    138.54  10
    300124 Inovance              Industry    60.37   18
    002230 iFlytek               Technology  50.13   61
    300015 Aier Eye              Health      14.28   88
    000063 ZTE                   Technology  30.62   105
    002027 Focus Media           Media       7.06    115
    300122 Zhifei Biological     Health      28.91   41
    002241 GoerTek               Technology  24.57   97
    000538 Yunnan Baiyao         Health      57.83   9.4
    002460 Ganfeng Lithium       Materials   38.16   42
    000776 GF Securities         Financials  16.79   64
    002304 Yanghe Brewery        Consumer    85.32   8.7
    300014 EVE Energy            Industry    49.55   37
  `),
  SG: rows(`
    D05   DBS                    Financials  42.68   4.6
    O39   OCBC                   Financials  16.43   5.2
    U11   UOB                    Financials  35.74   2.9
    Z74   Singtel                Telecom     3.11    24
    C6L   Singapore Airlines     Industry    6.32    6.8
    A17U  CapitaLand Ascendas    Property    2.63    11
    C38U  CapitaLand Integrated  Property    1.965   19
    9CI   CapitaLand Investment  Property    2.72    7.9
    S68   SGX                    Financials  12.54   2.1
    BN4   Keppel                 Industry    6.74    4.7
    S63   ST Engineering         Industry    4.62    5.9
    F34   Wilmar                 Consumer    3.07    5.4
    Y92   Thai Beverage          Consumer    0.555   31
    G13   Genting Singapore      Consumer    0.765   38
    U96   Sembcorp               Utilities   5.46    4.2
    5E2   Seatrium               Industry    1.885   17
    V03   Venture                Technology  12.86   0.9
    C09   City Developments      Property    5.14    1.6
    J36   Jardine Matheson       Industry    41.15   0.4
    BS6   Yangzijiang            Industry    2.54    18
    M44U  Mapletree Logistics    Property    1.285   21
    ME8U  Mapletree Industrial   Property    2.31    7.3
    N2IU  Mapletree Pan Asia     Property    1.255   12
    5JS   Indofood Agri          Consumer    0.34    0.2
  `),
}

/** A table is easier to read and to keep than nested arrays. Names may hold single spaces; columns are two or more apart. */
function rows(table: string): readonly CompanyRow[] {
  const lines = table.trim().split('\n')
  return lines.map((line) => {
    const [, code, name, sector, price, volume] = /^(\S+)\s+(.+?)\s{2,}(\S+)\s+(\S+)\s+(\S+)$/.exec(line.trim()) ?? []
    if (code === undefined || name === undefined || sector === undefined) throw new Error(`not a company: ${line}`)
    return [code, name, sector, Number(price), Number(volume)] as const
  })
}
