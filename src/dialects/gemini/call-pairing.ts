// Which call a result answers. Gemini's calls often have no id: then results are paired by name and order, and ids are made that stay the
// same when the conversation goes on.

type Call = { readonly id: string; readonly name: string; readonly isMade: boolean }

export class Calls {
  #count = 0
  #open: Call[] = []

  /** The id of the next call of the conversation. */
  call(said: string | null, name: string): string {
    this.#count++
    const id = said ?? `call_${this.#count}_${name.replace(/[^\w-]/g, '_').slice(0, 40)}`
    this.#open.push({ id, name, isMade: said === null })
    return id
  }

  /** The id of the call that this result answers. A result of no call keeps its own. */
  result(said: string | null, name: string): string {
    const own = said === null ? -1 : this.#open.findIndex((call) => call.id === said)
    const named = own >= 0 ? own : this.#open.findIndex((call) => call.name === name && (said === null || call.isMade))
    const at = named >= 0 || said !== null ? named : 0
    const [call] = at < 0 ? [] : this.#open.splice(at, 1)
    return call?.id ?? said ?? `call_${name.replace(/[^\w-]/g, '_').slice(0, 40)}`
  }
}
