// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ResponseHeader;
import org.jspecify.annotations.Nullable;

/** Asks one server one thing at a time over a plain socket and notes error codes and offsets of the answer as text. */
final class ErrorCells {
    private static final Pattern FIELDS = Pattern.compile(
            "\\b(errorCode|topicErrorCode|baseOffset|offset|leaderEpoch|endOffset|lowWatermark|highWatermark|logStartOffset"
                    + "|lastStableOffset|batchIndex|committedOffset|producerEpoch)=(-?\\d+)");
    private static final int TIMEOUT_MS = 4_000;

    private final String host;
    private final int port;
    private final List<String> lines = new ArrayList<>();

    ErrorCells(String bootstrap) {
        this.host = bootstrap.substring(0, bootstrap.lastIndexOf(':'));
        this.port = Integer.parseInt(bootstrap.substring(bootstrap.lastIndexOf(':') + 1));
    }

    List<String> lines() {
        return lines;
    }

    /** Sends {@code body} on a connection of its own and notes the answer as a cell. */
    @Nullable
    AbstractResponse cell(String name, ApiKeys api, int version, ApiMessage body) throws IOException {
        AbstractResponse response = send(api, (short) version, body);
        lines.add(name + " v" + version + ": " + (response == null ? "no answer" : describe(response)));
        return response;
    }

    /** Null if the server ended the connection or did not answer. */
    @Nullable
    AbstractResponse send(ApiKeys api, short version, ApiMessage body) throws IOException {
        ByteBuffer header = MessageUtil.toByteBufferAccessor(
                        new RequestHeaderData()
                                .setRequestApiKey(api.id)
                                .setRequestApiVersion(version)
                                .setCorrelationId(1)
                                .setClientId("cells"),
                        api.requestHeaderVersion(version))
                .buffer();
        ByteBuffer bytes = MessageUtil.toByteBufferAccessor(body, version).buffer();
        ByteBuffer frame = ByteBuffer.allocate(4 + header.remaining() + bytes.remaining())
                .putInt(header.remaining() + bytes.remaining())
                .put(header)
                .put(bytes);
        byte[] answer = exchange(frame.array());
        if (answer == null) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(answer);
        ResponseHeader.parse(in, api.responseHeaderVersion(version));
        return AbstractResponse.parseResponse(api, new ByteBufferAccessor(in), version);
    }

    byte @Nullable [] exchange(byte[] frame) throws IOException {
        try (Socket socket = new Socket(host, port)) {
            socket.setSoTimeout(TIMEOUT_MS);
            socket.getOutputStream().write(frame);
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] answer = new byte[in.readInt()];
            in.readFully(answer);
            return answer;
        } catch (EOFException | SocketException | SocketTimeoutException e) {
            return null;
        }
    }

    private static String describe(AbstractResponse response) {
        StringBuilder text = new StringBuilder();
        Matcher matcher = FIELDS.matcher(response.data().toString());
        while (matcher.find()) {
            String field = matcher.group(1);
            String value = matcher.group(2);
            if (field.endsWith("rrorCode")) {
                value = Errors.forCode(Short.parseShort(value)).name();
            }
            text.append(text.isEmpty() ? "" : ", ").append(field).append('=').append(value);
        }
        return text.toString();
    }
}
