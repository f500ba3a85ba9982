// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.RequestHeader;

/**
 * Reads a topic from its beginning as often as there are readers, and throws the records away unseen: a replay that costs
 * the machine little besides the server's own work. A process of its own, so that it can be given a low priority.
 */
public final class ReplayClient {
    private static final short FETCH_VERSION = 16;
    private static final int CORRELATION_AND_TAGS_BYTES = 5;

    private ReplayClient() {}

    /** Arguments: bootstrap server, topic, partitions, readers, MB/s of all readers together (0: no limit). */
    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[0];
        String topic = arguments[1];
        int partitions = Integer.parseInt(arguments[2]);
        int readers = Integer.parseInt(arguments[3]);
        double bytesPerSecond = Double.parseDouble(arguments[4]) * (1 << 20) / readers;
        Uuid id;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            id = admin.describeTopics(List.of(topic))
                    .allTopicNames()
                    .get()
                    .values()
                    .iterator()
                    .next()
                    .topicId();
        }
        List<Thread> threads = new ArrayList<>();
        long[] bytes = new long[readers];
        long begin = System.nanoTime();
        for (int i = 0; i < readers; i++) {
            int reader = i;
            Thread thread =
                    new Thread(() -> bytes[reader] = new Reader(id, topic, partitions, bytesPerSecond).run(bootstrap));
            thread.start();
            threads.add(thread);
        }
        long sum = 0;
        for (int i = 0; i < readers; i++) {
            threads.get(i).join();
            sum += bytes[i];
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        System.out.printf("%d %.3f%n", sum, seconds);
    }

    /** One connection that fetches each partition to its end. */
    private static final class Reader {
        private final Uuid id;
        private final String topic;
        private final double bytesPerSecond;
        private final long[] offsets;
        private final boolean[] isAtEnd;
        private ByteBuffer answer = ByteBuffer.allocate(1 << 20);

        Reader(Uuid id, String topic, int partitions, double bytesPerSecond) {
            this.id = id;
            this.topic = topic;
            this.bytesPerSecond = bytesPerSecond;
            this.offsets = new long[partitions];
            this.isAtEnd = new boolean[partitions];
        }

        long run(String bootstrap) {
            int colon = bootstrap.lastIndexOf(':');
            try (Socket socket =
                    new Socket(bootstrap.substring(0, colon), Integer.parseInt(bootstrap.substring(colon + 1)))) {
                return readAll(socket);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        private long readAll(Socket socket) throws IOException {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            OutputStream out = socket.getOutputStream();
            long begin = System.nanoTime();
            long bytes = 0;
            for (int correlation = 0; hasMore(); correlation++) {
                send(out, correlation);
                int length = in.readInt();
                if (answer.capacity() < length) {
                    answer = ByteBuffer.allocate(length * 2);
                }
                in.readFully(answer.array(), 0, length);
                answer.position(CORRELATION_AND_TAGS_BYTES).limit(length);
                bytes += take(new FetchResponseData(new ByteBufferAccessor(answer), FETCH_VERSION));
                answer.clear();
                if (bytesPerSecond > 0) {
                    long due = begin + (long) (bytes / bytesPerSecond * 1e9);
                    LockSupport.parkNanos(due - System.nanoTime());
                }
            }
            return bytes;
        }

        private boolean hasMore() {
            for (boolean end : isAtEnd) {
                if (!end) {
                    return true;
                }
            }
            return false;
        }

        private void send(OutputStream out, int correlation) throws IOException {
            Map<TopicPartition, FetchRequest.PartitionData> wanted = new LinkedHashMap<>();
            for (int i = 0; i < offsets.length; i++) {
                if (!isAtEnd[i]) {
                    wanted.put(
                            new TopicPartition(topic, i),
                            new FetchRequest.PartitionData(
                                    id,
                                    offsets[i],
                                    0,
                                    1 << 20,
                                    java.util.Optional.empty(),
                                    java.util.Optional.empty()));
                }
            }
            FetchRequest request = FetchRequest.Builder.forConsumer(FETCH_VERSION, 500, 1, wanted)
                    .setMaxBytes(50 << 20)
                    .build(FETCH_VERSION);
            ByteBuffer bytes =
                    request.serializeWithHeader(new RequestHeader(ApiKeys.FETCH, FETCH_VERSION, "replay", correlation));
            ByteBuffer frame = ByteBuffer.allocate(Integer.BYTES + bytes.remaining());
            frame.putInt(bytes.remaining()).put(bytes);
            out.write(frame.array());
        }

        private long take(FetchResponseData response) {
            long bytes = 0;
            for (FetchResponseData.FetchableTopicResponse of : response.responses()) {
                for (FetchResponseData.PartitionData partition : of.partitions()) {
                    if (partition.errorCode() != 0) {
                        throw new IllegalStateException(
                                "Partition " + partition.partitionIndex() + " answers error " + partition.errorCode());
                    }
                    int index = partition.partitionIndex();
                    MemoryRecords records = (MemoryRecords) partition.records();
                    for (RecordBatch batch : records.batches()) {
                        offsets[index] = batch.nextOffset();
                    }
                    bytes += records.sizeInBytes();
                    isAtEnd[index] = offsets[index] >= partition.highWatermark();
                }
            }
            return bytes;
        }
    }
}
