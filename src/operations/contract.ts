// What can be asked beside a chat (embeddings, reranking, pictures, speech …) and what a language for it must provide. Text in, text
// out: no network, no clock, no Cloudflare. A language here has one request and one answer; places that share it get the bytes.

import type { ChatRequest, DialectId, JsonValue, Usage } from '../core/canonical.ts'
import type { GatewayError } from '../core/errors.ts'
import type { Edits, Path } from '../core/json-splice.ts'
import type { ClientBody, ClientFace, Intent, Orders, Served, Written } from '../dialects/contract.ts'

/** What one asks for; places that do the same in another language can stand in for each other only where `read` and `write` exist. */
export type OperationKind = 'embeddings' | 'rerank' | 'moderation' | 'images' | 'speech' | 'transcription' | 'count-tokens'

/** What vectors are for. */
export type EmbeddingPurpose = 'query' | 'document' | 'classification' | 'clustering'

/** A text, or the same as tokens of the model's own. */
export type EmbeddingInput = string | readonly number[]

/** The common form of what is asked, for translation. `free` members of one language only are in its own bytes, and named as dropped. */
export type OperationRequest =
  | {
      readonly kind: 'embeddings'
      readonly inputs: readonly EmbeddingInput[]
      readonly dimensions: number | null
      /** How the client wants its vectors. */
      readonly format: 'float' | 'base64'
      /** What the vectors are for, where the client says so (`input_type`). */
      readonly purpose: EmbeddingPurpose | null
      /** Members that have no place here, by the client's names. */
      readonly others: readonly string[]
    }
  | {
      readonly kind: 'rerank'
      readonly query: string
      readonly documents: readonly JsonValue[]
      readonly topN: number | null
      readonly returnDocuments: boolean
      readonly others: readonly string[]
    }
  | { readonly kind: 'count-tokens'; readonly chat: ChatRequest }

export type OperationResponse =
  | {
      readonly kind: 'embeddings'
      readonly model: string
      /** In the order of the inputs. A base64 text is float32, little-endian, as OpenAI has it. */
      readonly vectors: readonly (readonly number[] | string)[]
      readonly usage: Usage | null
    }
  | {
      readonly kind: 'rerank'
      readonly id: string
      readonly model: string
      /** Best first. `index` counts the request's documents. */
      readonly results: readonly { readonly index: number; readonly score: number; readonly document?: JsonValue }[]
      readonly usage: Usage | null
    }
  | { readonly kind: 'count-tokens'; readonly inputTokens: number }

/** The fields of a form (multipart/form-data) that are texts. A field that is there twice is refused before anybody sees it. */
export interface FormFields {
  /** Bytes of the whole body; where the client does not say, the most that is taken. */
  readonly byteLength: number
  /** It is all here: nothing that counts can follow. */
  readonly isWhole: boolean
  /** Files so far. */
  readonly files: number
  /** Bytes of the texts so far. */
  readonly textBytes: number
  text(name: string): string | null
}

/** A request as it came: JSON or a form, as its language has it. */
export type OperationIncoming = {
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly nowSeconds: number
} & ({ readonly json: ClientBody; readonly form: null } | { readonly json: null; readonly form: FormFields })

/** The half of a language that faces our clients. */
export interface OperationClient extends ClientFace {
  readonly kind: OperationKind
  /** Fields of a form on which the hold rests: they must stand before a file that streams, or the request is refused. */
  readonly heldBy?: readonly string[]
  /** Bodies that it takes. */
  readonly takes: readonly ['json' | 'form', ...('json' | 'form')[]]
  /** `maxOutputTokens` is the most that can come out (0 for embeddings): it is held and never put into the request. @throws GatewayError `request-malformed` */
  intent(incoming: OperationIncoming): Intent
  /** For a place with another language. Absent: it is only forwarded. @throws GatewayError `request-malformed`, `request-unsupported` */
  read?(body: ClientBody): OperationRequest
  write?(response: OperationResponse, intent: Intent, served: Served): string
}

/** The half of a language that faces providers. */
export interface OperationUpstream {
  readonly id: DialectId
  readonly kind: OperationKind
  /** The members that must differ when the client already speaks this language. Of a form only top-level texts can. */
  edits(intent: Intent, orders: Orders, member: (path: Path) => string | null): Edits
  /** Absent: nobody is translated into it. @throws GatewayError `request-unsupported` */
  write?(request: OperationRequest, orders: Orders, intent: Intent): Written
  /** @throws GatewayError `upstream-garbled` */
  read?(text: string, request: OperationRequest): OperationResponse
  /** Usage told by an answer: a whole JSON text, the last of an event stream, or `null` for sound and pictures as bytes. `null`: not told. Never throws. */
  readUsage(text: string | null, intent: Intent): Usage | null
  /** An error, also one that came with status 200. `null`: not an error. `text` has no credentials left in it. */
  readError(status: number, headers: Headers, text: string): GatewayError | null
}
