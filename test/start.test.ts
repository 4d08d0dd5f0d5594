import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { buildApp } from '../src/app.js'
import { loadConfig } from '../src/config/load.js'
import { connect } from '../src/db/connect.js'
import { testSettings } from './helper.js'

t.test('a server that hardly gets a processor starts all the same, however long it takes', async (t) => {
  // Nobody is asked at either address before the start.
  const config = loadConfig({ ...testSettings, DATABASE_URL: 'postgres://127.0.0.1:1/todo', REDIS_URL: 'redis://127.0.0.1:1' })
  mock.timers.enable({ apis: ['setTimeout'] })
  const building = buildApp(config, connect(config))
  const isOver = building.then(() => true, () => true)
  while (!await Promise.race([isOver, turn(false)])) mock.timers.tick(20_000)
  mock.timers.reset()
  const app = await building
  await app.ready()
  t.ok(app.live)
  await app.close()
})
