// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import org.apache.kafka.common.network.Send;
import org.apache.kafka.common.network.TransferableChannel;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.SendBuilder;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

/** Raft's requests and answers as the bytes they are on a wire, so that nothing is shared between nodes. */
final class RaftWire {
    private RaftWire() {}

    /** What arrives. */
    record Request(ApiMessage body, RequestHeader header) {}

    static byte[] request(ApiMessage body, int correlationId) {
        ApiKeys key = ApiKeys.forId(body.apiKey());
        return write(SendBuilder.buildRequestSend(
                new RequestHeader(key, key.latestVersion(), "simulated", correlationId), body));
    }

    static Request parseRequest(byte[] bytes) {
        ByteBuffer wire = ByteBuffer.wrap(bytes);
        wire.getInt();
        RequestHeader header = RequestHeader.parse(wire);
        ApiMessage body = AbstractRequest.parseRequest(
                        header.apiKey(), header.apiVersion(), new ByteBufferAccessor(wire))
                .request
                .data();
        return new Request(body, header);
    }

    static byte[] answer(Request request, ApiMessage answer) {
        RequestHeader header = request.header;
        return write(SendBuilder.buildResponseSend(header.toResponseHeader(), answer, header.apiVersion()));
    }

    static ApiMessage parseAnswer(ApiKeys key, byte[] bytes) {
        ByteBuffer wire = ByteBuffer.wrap(bytes);
        wire.getInt();
        ResponseHeader.parse(wire, key.responseHeaderVersion(key.latestVersion()));
        return AbstractResponse.parseResponse(key, new ByteBufferAccessor(wire), key.latestVersion())
                .data();
    }

    private static byte[] write(Send send) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (Sink sink = new Sink(Channels.newChannel(bytes))) {
            while (!send.completed()) {
                send.writeTo(sink);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private record Sink(WritableByteChannel target) implements TransferableChannel {
        @Override
        public boolean hasPendingWrites() {
            return false;
        }

        @Override
        public long transferFrom(FileChannel file, long position, long count) throws IOException {
            return file.transferTo(position, count, target);
        }

        @Override
        public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
            long written = 0;
            for (int i = offset; i < offset + length; i++) {
                written += target.write(sources[i]);
            }
            return written;
        }

        @Override
        public long write(ByteBuffer[] sources) throws IOException {
            return write(sources, 0, sources.length);
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            return target.write(source);
        }

        @Override
        public boolean isOpen() {
            return target.isOpen();
        }

        @Override
        public void close() throws IOException {
            target.close();
        }
    }
}
