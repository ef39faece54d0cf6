// Moves the time that a function sees, by as much as the stack says with each call.

const RealDate = Date
const realNow = Date.now.bind(Date)
const realOrigin = performance.timeOrigin
let offset = 0

const now = () => realNow() + offset

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, made) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, made === globalThis.Date ? target : made),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
})
RealDate.prototype.constructor = globalThis.Date
Object.defineProperty(performance, 'timeOrigin', { get: () => realOrigin + offset, configurable: true })

if (globalThis.Temporal?.Now) {
  const { Instant, Now } = Temporal
  const here = Now.timeZoneId
  const instant = () => Instant.fromEpochMilliseconds(now())
  const zoned = (zone = here()) => instant().toZonedDateTimeISO(zone)
  Object.assign(Now, {
    instant,
    zonedDateTimeISO: zoned,
    plainDateTimeISO: (zone) => zoned(zone).toPlainDateTime(),
    plainDateISO: (zone) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone) => zoned(zone).toPlainTime(),
  })
}

/** `milliseconds` from the real time; negative is the past. */
export function moveClock(milliseconds) {
  offset = Number.isFinite(milliseconds) ? milliseconds : 0
}
