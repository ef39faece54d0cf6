export { defineConfig } from './config/define.ts'
export type { Contracts, GreenlightConfig } from './model/config.ts'
