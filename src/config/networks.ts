import * as z from 'zod'
import { cidrProblem } from './cidr.ts'

/** `networks` of the whole file. */
export const networksSchema = z
  .record(
    z.string(),
    z
      .strictObject({
        subnet: z
          .string()
          .superRefine((text, context) => {
            const message = text === 'auto' ? undefined : cidrProblem(text)
            if (message !== undefined) context.addIssue({ code: 'custom', message })
          })
          .default('auto')
          .describe('Its addresses, such as 10.91.0.0/24; auto takes some that are free on this host.'),
      })
      .describe('A network without a way out: the nodes on it reach one another.'),
  )
  .describe("Networks besides the lab's own, by name. A node is on those that its own networks list.")

/** `networks` of a node. */
export const nodeNetworksSchema = z
  .array(z.string())
  .describe("Names of the networks that it is on besides the lab's own: node1 is node1.storage on storage.")
