// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;

/** A socket that speaks in frames, right or wrong ones. */
final class RawConnection implements AutoCloseable {
    private static final int ALIVE_ID = 0x5afe;

    final Socket socket;
    private final DataInputStream in;

    RawConnection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoLinger(true, 0);
        in = new DataInputStream(socket.getInputStream());
    }

    /** How a connection behaved after a request. */
    enum End {
        ANSWERED,
        DISCONNECTED,
        WAITING
    }

    static ByteBuffer framed(ByteBuffer frame) {
        return ByteBuffer.allocate(4 + frame.remaining())
                .putInt(frame.remaining())
                .put(frame.duplicate())
                .flip();
    }

    /** A whole request as an honest client writes it, without its length prefix. */
    static ByteBuffer request(ApiKeys api, short version, int correlationId, ApiMessage body) {
        ByteBuffer header = MessageUtil.toByteBufferAccessor(
                        new RequestHeaderData()
                                .setRequestApiKey(api.id)
                                .setRequestApiVersion(version)
                                .setCorrelationId(correlationId)
                                .setClientId("raw"),
                        api.requestHeaderVersion(version))
                .buffer();
        ByteBuffer bytes = MessageUtil.toByteBufferAccessor(body, version).buffer();
        return ByteBuffer.allocate(header.remaining() + bytes.remaining())
                .put(header)
                .put(bytes)
                .flip();
    }

    static ByteBuffer aliveRequest() {
        return ByteBuffer.allocate(10)
                .putShort(ApiKeys.API_VERSIONS.id)
                .putShort((short) 0)
                .putInt(ALIVE_ID)
                .putShort((short) -1)
                .flip();
    }

    void send(ByteBuffer... frames) throws IOException {
        int size = 0;
        for (ByteBuffer frame : frames) {
            size += 4 + frame.remaining();
        }
        ByteBuffer all = ByteBuffer.allocate(size);
        for (ByteBuffer frame : frames) {
            all.put(framed(frame));
        }
        sendRaw(all.array());
    }

    void sendRaw(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    /** The next response without its length prefix; null at the end of the connection. */
    ByteBuffer receive(int timeoutMs) throws IOException {
        socket.setSoTimeout(timeoutMs);
        try {
            byte[] frame = new byte[in.readInt()];
            in.readFully(frame);
            return ByteBuffer.wrap(frame);
        } catch (EOFException | SocketException e) {
            return null;
        }
    }

    /** Sends {@code request} and a question that is always answered, then reads up to that answer. */
    End tryOut(ByteBuffer request, int correlationId, int timeoutMs) throws IOException {
        try {
            send(request, aliveRequest());
        } catch (SocketException e) {
            return End.DISCONNECTED;
        }
        try {
            ByteBuffer first = receive(timeoutMs);
            if (first == null) {
                return End.DISCONNECTED;
            }
            if (first.getInt(0) != ALIVE_ID) {
                if (first.getInt(0) != correlationId) {
                    throw new AssertionError("Asked " + correlationId + ", answered " + first.getInt(0));
                }
                ByteBuffer second = receive(timeoutMs);
                if (second == null || second.getInt(0) != ALIVE_ID) {
                    throw new AssertionError("The second of two requests was not answered after the first: " + second);
                }
            }
            return End.ANSWERED;
        } catch (SocketTimeoutException e) {
            return End.WAITING;
        }
    }

    /** Ends the client's side, and expects the server to end its own within {@code timeoutMs}. */
    boolean endsWhenClientDoes(int timeoutMs) throws IOException {
        socket.shutdownOutput();
        return isEnded(timeoutMs);
    }

    /** Reads whatever comes until the server ends the connection; false if it does not in time. */
    boolean isEnded(int timeoutMs) throws IOException {
        socket.setSoTimeout(timeoutMs);
        byte[] scratch = new byte[8192];
        try {
            while (in.read(scratch) >= 0) {
                continue;
            }
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (SocketException e) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
