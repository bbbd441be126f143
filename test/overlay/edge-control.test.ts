import { expect, test } from 'vitest'
import { parseServing } from '../../src/overlay/edge-control.ts'

// As HAProxy 3.0 prints it; columns after the status left out.
const STATISTICS = `# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight
web-80,task1,0,0,0,1,,7,1,2,,0,,0,0,0,0,UP,1
web-80,task2,0,0,0,1,,7,1,2,,0,,0,0,0,0,UP 1/2,1
web-80,task3,0,0,0,0,,0,0,0,,0,,0,0,0,0,MAINT (resolution),1
db-5432,task1,0,0,0,0,,0,0,0,,0,,0,0,0,0,DOWN,1
`

test('only tasks that the edge sends clients to are counted', () => {
  expect(parseServing(STATISTICS)).toEqual(new Map([['web-80', 2]]))
  expect(parseServing('\n')).toEqual(new Map())
})
