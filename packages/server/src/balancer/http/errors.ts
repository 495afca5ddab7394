/** Codes in the answers of a balancer's HTTP API. docs/errors.md lists the same; a test keeps both equal. */
export const BALANCER_ERROR_CODES = {
  query_invalid: [400, 'A parameter of the query is not valid, or is none; every mistake is listed.'],
  unauthorized: [401, 'What is for operators is told only to who shows their secret.'],
  not_found: [404, 'There is nothing at that path.'],
  method_not_allowed: [405, 'The API is only read: GET and HEAD.'],
  too_many_requests: [429, 'More requests came from one address than this balancer answers.'],
  too_many_streams: [429, 'As many streams are open as this balancer, or one address, may have.'],
  request_invalid: [400, 'The request is not valid HTTP, or is larger than any that this balancer takes.'],
  internal_error: [500, 'A fault of this balancer.'],
  not_ready: [503, 'The balancer has just started and does not know the nodes yet.'],
  no_gateways: [503, 'No gateway of the track can be handed out.'],
} as const satisfies Record<string, readonly [number, string]>

export type BalancerErrorCode = keyof typeof BALANCER_ERROR_CODES

/** An answer that is an error. */
export class ApiError extends Error {
  readonly code: BalancerErrorCode
  readonly statusCode: number

  constructor(code: BalancerErrorCode, message: string) {
    super(message)
    this.code = code
    this.statusCode = BALANCER_ERROR_CODES[code][0]
  }
}
