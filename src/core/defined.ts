// Objects without the members that nobody said: absent and undefined are not the same to whoever reads them.

export function defined<Members extends object>(members: Members): { [name in keyof Members]?: Exclude<Members[name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [name in keyof Members]?: Exclude<Members[name], undefined>
  } // its own members
}
