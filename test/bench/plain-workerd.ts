// Takes miniflare's own Worker out of the way of outgoing calls: it puts one between every Worker and the network, in JavaScript, so
// that both sides of each ratio would be measured with a second Worker in the path that Cloudflare does not have.

import { CORE_PLUGIN } from 'miniflare'

const INTERNET = { name: 'internet' } as const

/** Holds for every Miniflare that this process starts afterwards. */
export function callDirectly(): void {
  const services = CORE_PLUGIN.getServices.bind(CORE_PLUGIN)
  CORE_PLUGIN.getServices = async (options) => {
    const made = await services(options)
    if (made === undefined) return made
    const list = Array.isArray(made) ? made : made.services
    for (const service of list) {
      if (service.name?.startsWith('core:user:') === true && 'worker' in service && service.worker !== undefined)
        service.worker.globalOutbound = INTERNET
    }
    return made
  }
}
