// The names of a provider's settings: its id in capitals, `-` as `_`.

/** `settingName('my-host', 'API_KEY')` is `MY_HOST_API_KEY`. */
export function settingName(id: string, setting: 'API_KEY' | 'BASE_URL' | 'DIALECT'): string {
  return `${id.toUpperCase().replaceAll('-', '_')}_${setting}`
}
