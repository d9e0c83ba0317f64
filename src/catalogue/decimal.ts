// Owns decimal text to whole numbers, exactly. No floating point touches a price: `1.5e-07` dollars a token is 150000 pico-dollars, not 149999.

/** `digits × 10^exponent`, never negative. */
export type Decimal = { readonly digits: bigint; readonly exponent: number }

const DECIMAL = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/
const LONGEST = 64

/** Reads `12`, `0.15`, `1.5e-07`. `null` for anything else: signs, blanks, bare points, hexadecimal, infinities and absurd lengths. */
export function readDecimal(text: string): Decimal | null {
  if (text.length > LONGEST) return null
  const match = DECIMAL.exec(text)
  if (!match) return null
  const [, whole = '', part = '', power = '0'] = match
  const exponent = Number(power) - part.length
  return Math.abs(exponent) > LONGEST ? null : { digits: BigInt(whole + part), exponent }
}

/** `value × 10^power` when that is a whole number that a JavaScript number holds exactly, else `null`. */
export function wholeAt(value: Decimal, power: number): number | null {
  const shift = value.exponent + power
  let whole = value.digits
  if (shift >= 0) whole *= 10n ** BigInt(shift)
  else {
    const unit = 10n ** BigInt(-shift)
    if (whole % unit !== 0n) return null
    whole /= unit
  }
  return whole > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(whole)
}

/** `value × 10^power`, what is below a whole number left out; what a JavaScript number cannot hold exactly is the largest that it can. */
export function floorAt(value: Decimal, power: number): number {
  const shift = value.exponent + power
  const whole = shift >= 0 ? value.digits * 10n ** BigInt(shift) : value.digits / 10n ** BigInt(-shift)
  return whole > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(whole)
}
