/** A text inside of HTML, as itself. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)!};`)
