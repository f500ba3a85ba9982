// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.RequestUtils;
import org.jspecify.annotations.Nullable;

/**
 * Stands between clients and a broker, which must advertise this proxy's port, and makes a bad broker of it. Requests of a
 * connection are passed on one by one. A thread for each connection.
 */
public final class LyingProxy implements AutoCloseable {
    private static final int CRC_POSITION = 17;
    private static final int CHECKED_POSITION = 21;
    private static final int PRODUCER_POSITION = 43;
    private static final int PRODUCER_BYTES = Long.BYTES + Short.BYTES + Integer.BYTES;

    private final ServerSocket listener;
    private final Random random;
    private final double share;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> ends = new ConcurrentHashMap<>();
    private final AtomicLong told = new AtomicLong();
    private volatile int targetPort;
    private volatile Lie lie = Lie.NONE;

    /** What it does to some requests. */
    public enum Lie {
        NONE,
        /** A produce is acknowledged and goes nowhere. */
        DROP_PRODUCE,
        /** A produce is acknowledged with base offset 0. */
        OFFSET_ZERO,
        /** A produce is written once more, past the check of its sequence. */
        REPLAY_PRODUCE,
        /** The first of several batches of a partition is left out of a fetch. */
        SKIP_FETCHED
    }

    private LyingProxy(ServerSocket listener, long seed, double share) {
        this.listener = listener;
        this.random = new Random(seed);
        this.share = share;
    }

    /**
     * Listens on a free port of the loopback interface.
     *
     * @param share of the requests that a lie concerns
     */
    public static LyingProxy listen(long seed, double share) throws IOException {
        return new LyingProxy(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()), seed, share);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** Begins to serve. */
    public void serve(int brokerPort) {
        targetPort = brokerPort;
        daemon(this::accept);
    }

    public void tell(Lie next) {
        lie = next;
    }

    /** Lies told so far. */
    public long told() {
        return told.get();
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "lying-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                daemon(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket broker = new Socket(InetAddress.getLoopbackAddress(), targetPort)) {
            open.add(client);
            client.setTcpNoDelay(true);
            broker.setTcpNoDelay(true);
            Wire toClient = new Wire(client);
            Wire toBroker = new Wire(broker);
            while (true) {
                toClient.write(exchange(toClient.read(), toBroker));
            }
        } catch (IOException e) {
            // One side has closed: so does the other.
        } finally {
            open.remove(client);
        }
    }

    private ByteBuffer exchange(ByteBuffer request, Wire broker) throws IOException {
        ByteBuffer body = request.duplicate();
        RequestHeader header = RequestHeader.parse(body);
        Lie present = isDue() ? lie : Lie.NONE;
        if (header.apiKey() == ApiKeys.PRODUCE) {
            return produce(
                    request,
                    header,
                    ProduceRequest.parse(new ByteBufferAccessor(body), header.apiVersion()),
                    broker,
                    present);
        }
        broker.write(request);
        ByteBuffer answer = broker.read();
        boolean isSpoiled = header.apiKey() == ApiKeys.FETCH && present == Lie.SKIP_FETCHED;
        return isSpoiled ? skip(header, answer) : answer;
    }

    private synchronized boolean isDue() {
        return lie != Lie.NONE && random.nextDouble() < share;
    }

    private ByteBuffer produce(ByteBuffer frame, RequestHeader header, ProduceRequest request, Wire broker, Lie present)
            throws IOException {
        if (present == Lie.DROP_PRODUCE) {
            told.incrementAndGet();
            return answer(header, madeUp(request));
        }
        broker.write(frame);
        ByteBuffer received = broker.read();
        ProduceResponseData response = ((ProduceResponse) body(header, received)).data();
        response.responses()
                .forEach(topic -> topic.partitionResponses()
                        .forEach(each -> ends.merge(
                                topic.topicId() + topic.name() + each.index(), each.baseOffset(), Math::max)));
        if (present == Lie.OFFSET_ZERO) {
            told.incrementAndGet();
            response.responses().forEach(topic -> topic.partitionResponses().forEach(each -> each.setBaseOffset(0)));
            return answer(header, response);
        }
        if (present == Lie.REPLAY_PRODUCE) {
            told.incrementAndGet();
            request.data().topicData().forEach(topic -> topic.partitionData().forEach(LyingProxy::forgetProducer));
            broker.write(frame);
            broker.read();
        }
        return received;
    }

    /** Turns its batches, in place, into those of a producer without idempotence. */
    private static void forgetProducer(ProduceRequestData.PartitionProduceData partition) {
        ByteBuffer records = ((MemoryRecords) partition.records()).buffer().slice();
        int begin = 0;
        while (begin < records.limit()) {
            int size = records.getInt(begin + Long.BYTES) + Long.BYTES + Integer.BYTES;
            for (int i = 0; i < PRODUCER_BYTES; i++) {
                records.put(begin + PRODUCER_POSITION + i, (byte) -1);
            }
            CRC32C crc = new CRC32C();
            crc.update(records.slice(begin + CHECKED_POSITION, size - CHECKED_POSITION));
            records.putInt(begin + CRC_POSITION, (int) crc.getValue());
            begin += size;
        }
    }

    private ProduceResponseData madeUp(ProduceRequest request) {
        ProduceResponseData response = new ProduceResponseData();
        request.data().topicData().forEach(topic -> {
            var answered = new ProduceResponseData.TopicProduceResponse()
                    .setName(topic.name())
                    .setTopicId(topic.topicId());
            topic.partitionData().forEach(partition -> {
                String key = topic.topicId() + topic.name() + partition.index();
                answered.partitionResponses()
                        .add(new ProduceResponseData.PartitionProduceResponse()
                                .setIndex(partition.index())
                                .setBaseOffset(ends.getOrDefault(key, 0L) + 1)
                                .setLogStartOffset(0));
            });
            response.responses().add(answered);
        });
        return response;
    }

    private ByteBuffer skip(RequestHeader header, ByteBuffer received) {
        FetchResponseData response = ((FetchResponse) body(header, received)).data();
        boolean isSpoiled = false;
        for (FetchResponseData.FetchableTopicResponse topic : response.responses()) {
            for (FetchResponseData.PartitionData partition : topic.partitions()) {
                ByteBuffer rest = afterFirst(partition);
                if (rest != null && !isSpoiled) {
                    partition.setRecords(MemoryRecords.readableRecords(rest));
                    isSpoiled = true;
                }
            }
        }
        if (!isSpoiled) {
            return received;
        }
        told.incrementAndGet();
        return answer(header, response);
    }

    private static @Nullable ByteBuffer afterFirst(FetchResponseData.PartitionData partition) {
        if (!(partition.records() instanceof MemoryRecords records)) {
            return null;
        }
        int count = 0;
        int firstBytes = 0;
        for (MutableRecordBatch batch : records.batches()) {
            firstBytes = count == 0 ? batch.sizeInBytes() : firstBytes;
            count++;
        }
        ByteBuffer all = records.buffer();
        return count < 2 ? null : all.slice(all.position() + firstBytes, all.remaining() - firstBytes);
    }

    private static org.apache.kafka.common.requests.AbstractResponse body(RequestHeader header, ByteBuffer received) {
        return org.apache.kafka.common.requests.AbstractResponse.parseResponse(received.duplicate(), header);
    }

    private static ByteBuffer answer(RequestHeader header, ApiMessage message) {
        var head = header.toResponseHeader();
        return RequestUtils.serialize(head.data(), head.headerVersion(), message, header.apiVersion());
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : open) {
            socket.close();
        }
    }

    /** Frames of one connection. */
    private static final class Wire {
        private final DataInputStream in;
        private final DataOutputStream out;

        Wire(Socket socket) throws IOException {
            this.in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream(), 1 << 16));
            this.out = new DataOutputStream(new java.io.BufferedOutputStream(socket.getOutputStream(), 1 << 16));
        }

        ByteBuffer read() throws IOException {
            byte[] frame = new byte[in.readInt()];
            in.readFully(frame);
            return ByteBuffer.wrap(frame);
        }

        void write(ByteBuffer frame) throws IOException {
            out.writeInt(frame.remaining());
            out.write(frame.array(), frame.arrayOffset() + frame.position(), frame.remaining());
            out.flush();
        }
    }
}
