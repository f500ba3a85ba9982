"""confluent-kafka-python (librdkafka): codecs, idempotence, groups with a rebalance, admin. Usage: confluent.py BOOTSTRAP"""
import sys
import time
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

bootstrap = sys.argv[1]
run = "confluent-" + uuid.uuid4().hex[:8]
RECORDS = 3000


def done(futures):
    for future in futures.values():
        future.result(30)


admin = AdminClient({"bootstrap.servers": bootstrap})
done(admin.create_topics([NewTopic(f"{run}-{c}", 3, 1) for c in ("none", "gzip", "snappy", "lz4", "zstd")]))
print("ok topics created")

for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
    topic = f"{run}-{codec}"
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": codec, "linger.ms": 5})
    for i in range(RECORDS):
        producer.produce(topic, key=str(i), value=f"{codec}-{i}", headers={"h": str(i)},
                         on_delivery=lambda error, _: failures.append(error) if error else None)
        producer.poll(0)
    assert producer.flush(60) == 0 and not failures, failures[:3]
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{run}-read-{codec}", "enable.auto.commit": False,
                         "check.crcs": True})
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(3)])
    seen = {}
    deadline = time.monotonic() + 60
    while len(seen) < RECORDS and time.monotonic() < deadline:
        for message in consumer.consume(500, 1.0):
            assert message.error() is None, message.error()
            assert message.headers() == [("h", message.key())]
            seen[message.key().decode()] = message.value().decode()
    consumer.close()
    assert seen == {str(i): f"{codec}-{i}" for i in range(RECORDS)}, (codec, len(seen))
    print(f"ok {codec}")

topic, group = f"{run}-none", f"{run}-group"
settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "session.timeout.ms": 10000}
first, second = Consumer(settings), Consumer(settings)
owned = {1: set(), 2: set()}


def watch(which):
    def assigned(_, partitions):
        owned[which] = {p.partition for p in partitions}

    def revoked(_, __):
        owned[which] = set()

    return {"on_assign": assigned, "on_revoke": revoked}


first.subscribe([topic], **watch(1))
values = set()
deadline = time.monotonic() + 60
while len(owned[1]) < 3 and time.monotonic() < deadline:
    for message in first.consume(100, 0.2):
        values.add(message.value())
assert owned[1] == {0, 1, 2}, owned
second.subscribe([topic], **watch(2))
deadline = time.monotonic() + 60
while not (owned[1] and owned[2] and len(owned[1] | owned[2]) == 3) and time.monotonic() < deadline:
    for consumer in (first, second):
        for message in consumer.consume(100, 0.2):
            values.add(message.value())
assert owned[1] and owned[2] and not owned[1] & owned[2], owned
print("ok rebalance to two members:", owned)


def positions():
    """Nothing was committed before the rebalance: the new owner of a partition reads it from the start."""
    return [max(p.offset, 0) for c in (first, second) for p in c.position(c.assignment())]


deadline = time.monotonic() + 60
while (len(values) < RECORDS or sum(positions()) < RECORDS) and time.monotonic() < deadline:
    for consumer in (first, second):
        for message in consumer.consume(500, 0.2):
            values.add(message.value())
assert len(values) == RECORDS and sum(positions()) == RECORDS, (len(values), positions())
first.commit(asynchronous=False)
second.commit(asynchronous=False)
second.close()
first.close()
check = Consumer(settings)
committed = check.committed([TopicPartition(topic, p) for p in range(3)], 30)
assert sum(p.offset for p in committed) == RECORDS, committed
check.close()
print("ok group read everything and committed", [p.offset for p in committed])

done(admin.create_partitions([NewPartitions(topic, 6)]))
deadline = time.monotonic() + 30
while len(admin.list_topics(topic, 10).topics[topic].partitions) != 6 and time.monotonic() < deadline:
    pass
assert len(admin.list_topics(topic, 10).topics[topic].partitions) == 6
config = list(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values())[0].result(30)
assert "retention.ms" in config
done(admin.delete_topics([topic]))
bad = Consumer({"bootstrap.servers": bootstrap, "group.id": run, "allow.auto.create.topics": False})
bad.subscribe([run + "-nobody"])
message = bad.poll(30)
assert message is not None and message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART, message and message.error()
bad.close()
print("ok admin and errors")
print("confluent-kafka-python passed")
