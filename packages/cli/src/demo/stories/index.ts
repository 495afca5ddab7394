export { play } from './play.ts'
export { STORIES, type StoryScript } from './stories.ts'
