// Whole nano-dollars to text and back, without losing one.

/** US dollars as a decimal: `0.00001234`, `12.5`, `0`. */
export function dollarsText(nanoUsd: number): string {
  return decimalText(nanoUsd, 9)
}

/** US dollars of whole pico-dollars, the unit of a token's price, as a decimal. */
export function picoText(picoUsd: number): string {
  return decimalText(picoUsd, 12)
}

function decimalText(whole: number, places: number): string {
  const sign = whole < 0 ? '-' : ''
  const digits = String(Math.abs(whole)).padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return `${sign}${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`
}

/** The same as a JSON number that reads back to the same nano-dollar (exact below about four million dollars). */
export function dollarsNumber(nanoUsd: number): number {
  return Number(dollarsText(nanoUsd))
}

/** Dollars as nano-dollars; `null` when it is not a whole number of them from zero up, or more than can be kept exactly. */
export function nanoOf(dollars: number): number | null {
  const nano = Math.round(dollars * 1e9)
  if (!Number.isFinite(dollars) || dollars < 0 || nano > MOST_NANO) return null
  return Math.abs(nano - dollars * 1e9) <= 1e-3 + nano * 1e-14 ? nano : null
}

/** Four million dollars: sums stay below 2^53. */
export const MOST_NANO = 4_000_000_000_000_000
