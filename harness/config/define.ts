import type { GreenlightConfig } from '../model/config.ts'

/** Types `greenlight.config.ts`: `export default defineConfig({ … })`. Checked in full when it is loaded. */
export function defineConfig(config: GreenlightConfig): GreenlightConfig {
  return config
}
