"""kafka-python, the client that speaks the oldest versions: codecs, groups, offsets. Usage: kafka_python.py BOOTSTRAP"""
import sys
import time
import uuid

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

bootstrap = sys.argv[1]
run = "kafka-python-" + uuid.uuid4().hex[:8]
RECORDS = 1500

admin = KafkaAdminClient(bootstrap_servers=bootstrap)
admin.create_topics([NewTopic(f"{run}-{c}", 2, 1) for c in ("none", "gzip", "snappy", "lz4", "zstd")])

for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
    topic = f"{run}-{codec}"
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=None if codec == "none" else codec,
                             linger_ms=5)
    sent = [producer.send(topic, key=str(i).encode(), value=f"{codec}-{i}".encode(), headers=[("h", b"1")])
            for i in range(RECORDS)]
    producer.flush(60)
    assert all(f.get(30).offset >= 0 for f in sent)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
                             group_id=f"{run}-{codec}", check_crcs=True)
    consumer.subscribe([topic])
    seen = {}
    deadline = time.monotonic() + 60
    while len(seen) < RECORDS and time.monotonic() < deadline:
        for batch in consumer.poll(1000).values():
            for record in batch:
                seen[record.key.decode()] = record.value.decode()
    assert seen == {str(i): f"{codec}-{i}" for i in range(RECORDS)}, (codec, len(seen))
    consumer.commit()
    partitions = [TopicPartition(topic, p) for p in range(2)]
    assert sum(consumer.committed(p) for p in partitions) == RECORDS
    ends = consumer.end_offsets(partitions)
    assert sum(ends.values()) == RECORDS, ends
    assert consumer.beginning_offsets(partitions) == {p: 0 for p in partitions}
    assert all(o.offset == 0 for o in consumer.offsets_for_times({p: 0 for p in partitions}).values())
    consumer.close()
    print(f"ok {codec}")

groups = {name for name, _ in admin.list_consumer_groups()}
assert f"{run}-none" in groups, groups
offsets = admin.list_consumer_group_offsets(f"{run}-none")
assert sum(o.offset for o in offsets.values()) == RECORDS
admin.delete_topics([f"{run}-none"])
admin.close()
print("ok admin")
print("kafka-python passed")
