import ipaddr from 'ipaddr.js'

/**
 * The client that an address identifies. A client with one IPv6 address usually has its whole /64.
 * @param ip from Fastify; undefined when it is not known
 * @returns the IPv4 address, the /64 of an IPv6 address, or `unknown`
 */
export function addressOf (ip: string): string {
  // A trusted proxy may not know it, and a connection that has ended has none.
  if (!ipaddr.isValid(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return 'parts' in address ? prefix(address, 4) : address.toString()
}

/** @returns the /48 of an IPv6 address, which a provider gives to one customer; null for any other */
export function networkOf (ip: string): string | null {
  const address = ipaddr.isValid(ip) ? ipaddr.process(ip) : null
  return address && 'parts' in address ? prefix(address, 3) : null
}

/** The first groups of 16 bits. */
const prefix = ({ parts }: { parts: number[] }, groups: number) => parts.slice(0, groups).map((part) => part.toString(16)).join(':')
