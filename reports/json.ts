import type { ReportDocument } from './schema.ts'

/** `report.json` */
export function renderJson(document: ReportDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`
}
