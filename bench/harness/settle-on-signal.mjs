// Preloaded into Node server processes (`--expose-gc --import`): collects garbage at SIGUSR2, so that memory is
// compared without what merely waits to be collected. The Go peers do the same.
process.on('SIGUSR2', () => {
  globalThis.gc()
  globalThis.gc()
})
