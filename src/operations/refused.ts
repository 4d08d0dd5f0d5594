/** What an operator has asked for and cannot have, in one line that says why. */
export class Refused extends Error {}
