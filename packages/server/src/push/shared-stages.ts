import type { Exclusive, Stage, Stages } from '../runtime/stages/index.ts'

/** Readers of one feed come and go with its generations, but what is watched stays the same. */
export function sharedBetweenReaders(stages: Stages): Stages {
  const opened = new Map<string, Stage>()
  const sections = new Map<string, Exclusive>()
  return {
    open(name, options) {
      let stage = opened.get(name)
      if (stage === undefined) opened.set(name, (stage = stages.open(name, options)))
      return stage
    },
    exclusive(name, options) {
      let section = sections.get(name)
      if (section === undefined) sections.set(name, (section = stages.exclusive(name, options)))
      return section
    },
    get fault() {
      return stages.fault
    },
  }
}
