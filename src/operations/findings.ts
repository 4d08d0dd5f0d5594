/** What a check has found. */
export interface Finding {
  /** What was looked at. */
  what: string
  says: string
  /** How to mend it, where something is wrong. */
  mend?: string
}

export const fine = (what: string, says: string): Finding => ({ what, says })

export const wrong = (what: string, says: string, mend: string): Finding => ({ what, says, mend })

/** @returns the finding as a person reads it */
export const textOf = ({ what, says, mend }: Finding): string =>
  `${mend === undefined ? 'ok   ' : 'WRONG'}  ${what}: ${says}${mend === undefined ? '' : `\n       → ${mend}`}`

/** @returns the code of an error of the network, or else its text */
export const reasonOf = (error: unknown): string => {
  const { code, message } = error as { code?: string, message: string }
  return code ?? message
}
