// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.RequestUtils;

/** A connection to one broker, for a client that must not turn to others. Used by one thread. */
final class DirectConnection implements AutoCloseable {
    private final Socket socket = new Socket();
    private final DataInputStream in;
    private int correlationId;

    /**
     * @param bootstrap the broker's host and port
     * @param timeout of the connection and of each answer
     */
    DirectConnection(String bootstrap, Duration timeout) throws IOException {
        int colon = bootstrap.lastIndexOf(':');
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout((int) timeout.toMillis());
            socket.connect(
                    new InetSocketAddress(
                            bootstrap.substring(0, colon), Integer.parseInt(bootstrap.substring(colon + 1))),
                    (int) timeout.toMillis());
            in = new DataInputStream(socket.getInputStream());
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Sends a request and waits for its answer; after an error the connection is of no more use. */
    ApiMessage ask(ApiKeys api, short version, ApiMessage body) throws IOException {
        RequestHeader header = new RequestHeader(api, version, "direct", ++correlationId);
        ByteBuffer frame = RequestUtils.serialize(header.data(), header.headerVersion(), body, version);
        socket.getOutputStream()
                .write(ByteBuffer.allocate(Integer.BYTES + frame.remaining())
                        .putInt(frame.remaining())
                        .put(frame)
                        .array());
        byte[] answer = new byte[in.readInt()];
        in.readFully(answer);
        return AbstractResponse.parseResponse(ByteBuffer.wrap(answer), header).data();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
