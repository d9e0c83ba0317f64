// Binary files as modules: wrangler gives an ArrayBuffer, esbuild an array of bytes.

declare module '*.bin' {
  const bytes: ArrayBuffer | Uint8Array
  export default bytes
}
