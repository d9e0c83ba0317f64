import type { Sort } from '../wishes.ts'
export function suffixed(name: string): { readonly name: string; readonly sort: Sort | null; readonly free: boolean } {
  const at = name.lastIndexOf(':')
  const word = at < 0 ? '' : name.slice(at + 1)
  if (word === 'floor') return { name: name.slice(0, at), sort: 'price', free: false }
  if (word === 'nitro') return { name: name.slice(0, at), sort: 'throughput', free: false }
  return { name, sort: null, free: false }
}
