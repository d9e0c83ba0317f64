// What a language beside chat shares with its maker's chat language: where the key and the model stand and how errors are spelled.

import type { ClientDialect, ClientFace } from '../dialects/contract.ts'

export function faceOf(chat: ClientDialect): Pick<ClientFace, 'credential' | 'status' | 'writeError' | 'modelInPath'> {
  const inPath = chat.modelInPath?.bind(chat)
  return {
    ...(inPath === undefined ? {} : { modelInPath: inPath }),
    credential: (headers, url) => chat.credential(headers, url),
    status: (error) => chat.status(error),
    writeError: (error, requestId, provider) => chat.writeError(error, requestId, provider),
  }
}
