import * as z from 'zod'
import type { LinkSpec } from '../model/links.ts'

/** A text such as `50ms`, from `least` to `most`: a number and one of the units. Read, it is a number of the unit that is 1. */
function measured(units: Readonly<Record<string, number>>, bounds: { least: string; most: string; example: string }) {
  const names = Object.keys(units).join('|')
  const pattern = `^([0-9]{1,6}(\\.[0-9]{1,3})?)(${names})$`
  const read = (text: string) => {
    const [, amount, , unit = ''] = new RegExp(pattern).exec(text) ?? []
    return amount === undefined ? undefined : Number(amount) * (units[unit] ?? 0)
  }
  return z
    .string()
    .meta({ pattern })
    .transform((text, context) => {
      const value = read(text)
      const [least = 0, most = 0] = [read(bounds.least), read(bounds.most)]
      if (value !== undefined && value >= least && value <= most) return value
      const message = `"${text}" cannot be: write it like ${bounds.example}, from ${bounds.least} to ${bounds.most}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
}

/** One entry of `links`. */
export const linkSchema = z
  .strictObject({
    nodes: z
      .array(z.string())
      .min(1)
      .describe(
        'One node: between it and all others. Several: between any two of them. Roles and groups are not taken.',
      ),
    network: z
      .string()
      .optional()
      .describe("The network of networks that it is about, with nodes that are on it; the lab's own when absent."),
    delay: measured({ ms: 1, s: 1000 }, { least: '1ms', most: '60s', example: '50ms' })
      .optional()
      .describe('How much later each packet comes, one way, such as 50ms.'),
    loss: measured({ '%': 1 }, { least: '0.001%', most: '100%', example: '1%' })
      .optional()
      .describe('Share of the packets that are lost, one way, such as 1%.'),
    rate: measured({ kbit: 1e3, mbit: 1e6, gbit: 1e9 }, { least: '8kbit', most: '40gbit', example: '10mbit' })
      .optional()
      .describe('Most that goes through a second, one way, such as 10mbit.'),
  })
  .refine(({ delay, loss, rate }) => delay !== undefined || loss !== undefined || rate !== undefined, {
    message: 'a link needs a delay, a loss or a rate',
  })
  .describe('What the network between nodes is like.')

/** A link as the rest of lab has it, with units in its names. */
export function readLink({ nodes, network, delay, loss, rate }: z.output<typeof linkSchema>): LinkSpec {
  return { nodes, ...(network === undefined ? {} : { network }), delayMs: delay, lossPercent: loss, rateBits: rate }
}
