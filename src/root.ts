/** The folder of package.json. This module is one folder below it in src/ and, as a part of a bundle, in dist/. */
export const root = new URL('..', import.meta.url)
