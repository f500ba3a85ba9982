// kafkajs: produce, consume, gzip, idempotence, groups with a rebalance, admin. Usage: node check.js BOOTSTRAP
const assert = require('node:assert')
const { Kafka, CompressionTypes, logLevel } = require('kafkajs')

const run = 'kafkajs-' + process.pid + '-' + Date.now()
const kafka = new Kafka({ clientId: run, brokers: [process.argv[2]], logLevel: logLevel.NOTHING })
const RECORDS = 1500

async function until(condition, what) {
  const deadline = Date.now() + 60000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('Timed out: ' + what)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: run, numPartitions: 4 }], waitForLeaders: true })
  console.log('ok topic created')

  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
    for (let i = 0; i < RECORDS; i += 100) {
      await producer.send({
        topic: run,
        acks: -1,
        compression,
        messages: Array.from({ length: 100 }, (_, j) => ({ key: `${i + j}`, value: `${compression}-${i + j}`, headers: { h: 'x' } })),
      })
    }
  }
  await producer.disconnect()
  console.log('ok produced, plain and gzip')

  const seen = new Set()
  const owned = {}
  const consumers = []
  for (const name of ['a', 'b']) {
    const consumer = kafka.consumer({ groupId: run, sessionTimeout: 10000 })
    consumers.push(consumer)
    consumer.on(consumer.events.GROUP_JOIN, (e) => { owned[name] = e.payload.memberAssignment[run] || [] })
    await consumer.connect()
    await consumer.subscribe({ topics: [run], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => { seen.add(message.value.toString()) } })
    if (name === 'a') await until(() => (owned.a || []).length === 4, 'one member owns all partitions')
  }
  await until(() => (owned.a || []).length === 2 && (owned.b || []).length === 2, 'two members share the partitions')
  console.log('ok rebalance', JSON.stringify(owned))
  await until(() => seen.size === 2 * RECORDS, 'all records read, saw ' + seen.size)
  for (const consumer of consumers) await consumer.disconnect()
  console.log('ok group read everything')

  const offsets = await admin.fetchTopicOffsets(run)
  assert.strictEqual(offsets.reduce((sum, p) => sum + Number(p.high), 0), 2 * RECORDS)
  const groups = await admin.listGroups()
  assert(groups.groups.some((g) => g.groupId === run))
  const described = await admin.describeGroups([run])
  assert.strictEqual(described.groups[0].state, 'Empty')
  await admin.deleteGroups([run])
  await admin.deleteTopics({ topics: [run] })
  await admin.disconnect()
  console.log('ok admin')
  console.log('kafkajs passed')
}

main().catch((error) => { console.error(error); process.exit(1) })
