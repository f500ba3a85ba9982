// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Stands before an S3 server: passes every request on, counts it, and holds its answer back until the time has passed that {@link
 * StoreLatency} drew. A thread for each connection, so that a slow answer delays only those behind it on the same connection, as
 * HTTP does. {@code GET /-/counts} answers with the counters, {@code /-/reset} sets them to zero.
 */
public final class StoreProxy implements AutoCloseable {
    private static final int BUFFER_BYTES = 64 << 10;

    private final ServerSocket listener;
    private final int upstreamPort;
    private final StoreLatency latency;
    private final StoreCounters counters = new StoreCounters();

    private StoreProxy(ServerSocket listener, int upstreamPort, StoreLatency latency) {
        this.listener = listener;
        this.upstreamPort = upstreamPort;
        this.latency = latency;
    }

    /**
     * Starts on a free port of the loopback interface.
     *
     * @param latencySeed 0 for no latency, else the seed of its draws
     */
    public static StoreProxy start(int upstreamPort, long latencySeed) throws IOException {
        ServerSocket listener = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
        StoreLatency latency = latencySeed == 0 ? StoreLatency.none() : StoreLatency.likeS3(latencySeed);
        StoreProxy proxy = new StoreProxy(listener, upstreamPort, latency);
        daemon(proxy::accept);
        return proxy;
    }

    public int port() {
        return listener.getLocalPort();
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "store-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                client.setTcpNoDelay(true);
                daemon(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket server = new Socket()) {
            server.setTcpNoDelay(true);
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), upstreamPort));
            Link link = new Link(
                    new BufferedInputStream(client.getInputStream(), BUFFER_BYTES),
                    new BufferedOutputStream(client.getOutputStream(), BUFFER_BYTES),
                    new BufferedInputStream(server.getInputStream(), BUFFER_BYTES),
                    new BufferedOutputStream(server.getOutputStream(), BUFFER_BYTES));
            while (exchange(link)) {
                // the next request of the connection
            }
        } catch (IOException e) {
            // either side hung up: the other one sees it
        }
    }

    /** Both directions of both connections. */
    private record Link(InputStream fromClient, OutputStream toClient, InputStream fromServer, OutputStream toServer) {}

    private boolean exchange(Link link) throws IOException {
        Head request = Head.read(link.fromClient);
        if (request == null) {
            return false;
        }
        long beganNanos = System.nanoTime();
        String[] line = request.start.split(" ");
        if (line[1].startsWith("/-/")) {
            control(line[1], link.toClient);
            return true;
        }
        if (request.fields.remove("expect") != null) {
            link.toClient.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            link.toClient.flush();
        }
        request.write(link.toServer);
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        long sentBytes = copyBody(request, link.fromClient, link.toServer, line[0].equals("POST") ? seen : null);
        link.toServer.flush();
        StoreRequest what = StoreRequest.of(line[0], line[1], seen.toByteArray());

        Head answer = Head.require(link.fromServer);
        while (answer.start.startsWith("HTTP/1.1 100")) {
            answer = Head.require(link.fromServer);
        }
        boolean hasBody = !line[0].equals("HEAD") && !answer.start.matches("HTTP/1.1 (204|304).*");
        long bytes = Math.max(sentBytes, hasBody ? answer.length() : 0);
        holdUntil(beganNanos + (long) (latency.drawMs(what.kind(), bytes) * 1e6));
        boolean isRefused = !answer.start.matches("HTTP/1.1 (2\\d\\d|404).*");
        counters.add(what, bytes, System.nanoTime() - beganNanos, isRefused);
        answer.write(link.toClient);
        if (hasBody) {
            copyBody(answer, link.fromServer, link.toClient, null);
        }
        link.toClient.flush();
        return !"close".equalsIgnoreCase(answer.fields.get("connection"));
    }

    private static void holdUntil(long dueNanos) {
        long left;
        while ((left = dueNanos - System.nanoTime()) > 0) {
            LockSupport.parkNanos(left);
        }
    }

    private void control(String path, OutputStream out) throws IOException {
        byte[] text = counters.text().getBytes(StandardCharsets.UTF_8);
        if (path.equals("/-/reset")) {
            counters.reset();
        }
        out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + text.length + "\r\n\r\n")
                .getBytes(StandardCharsets.ISO_8859_1));
        out.write(text);
        out.flush();
    }

    /** Returns the number of bytes; also writes them to {@code copy} unless that is null. */
    private static long copyBody(Head head, InputStream from, OutputStream to, @Nullable OutputStream copy)
            throws IOException {
        if (head.isChunked()) {
            long bytes = 0;
            while (true) {
                String size = Head.bodyLine(from);
                to.write((size + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                long chunk = Long.parseLong(size.split(";", 2)[0].strip(), 16);
                copy(chunk, from, to, copy);
                if (chunk > 0) {
                    Head.line(from);
                    to.write("\r\n".getBytes(StandardCharsets.ISO_8859_1));
                    bytes += chunk;
                    continue;
                }
                String trailer;
                do {
                    trailer = Head.bodyLine(from);
                    to.write((trailer + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                } while (!trailer.isEmpty());
                return bytes;
            }
        }
        copy(head.length(), from, to, copy);
        return head.length();
    }

    private static void copy(long bytes, InputStream from, OutputStream to, @Nullable OutputStream copy)
            throws IOException {
        byte[] buffer = new byte[(int) Math.min(BUFFER_BYTES, Math.max(1, bytes))];
        long left = bytes;
        while (left > 0) {
            int read = from.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                throw new EOFException("The connection ended " + left + " bytes before the body did");
            }
            to.write(buffer, 0, read);
            if (copy != null) {
                copy.write(buffer, 0, read);
            }
            left -= read;
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }

    /** First line and header fields of a request or an answer; names in lower case. */
    private record Head(String start, Map<String, String> fields) {
        /** Null when the connection ends before it. */
        static @Nullable Head read(InputStream in) throws IOException {
            String start = line(in);
            if (start == null || start.isEmpty()) {
                return null;
            }
            Map<String, String> fields = new LinkedHashMap<>();
            String line;
            while ((line = line(in)) != null && !line.isEmpty()) {
                int colon = line.indexOf(':');
                fields.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
            return new Head(start, fields);
        }

        static Head require(InputStream in) throws IOException {
            Head head = read(in);
            if (head == null) {
                throw new EOFException("The S3 server closed the connection without an answer");
            }
            return head;
        }

        /** A line within a body, which must not end here. */
        static String bodyLine(InputStream in) throws IOException {
            String line = line(in);
            if (line == null) {
                throw new EOFException("The connection ended within a body");
            }
            return line;
        }

        static @Nullable String line(InputStream in) throws IOException {
            StringBuilder text = new StringBuilder();
            int next;
            while ((next = in.read()) >= 0) {
                if (next == '\n') {
                    return text.toString();
                }
                if (next != '\r') {
                    text.append((char) next);
                }
            }
            return text.isEmpty() ? null : text.toString();
        }

        void write(OutputStream out) throws IOException {
            StringBuilder text = new StringBuilder(start).append("\r\n");
            fields.forEach((name, value) ->
                    text.append(name).append(": ").append(value).append("\r\n"));
            out.write(text.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        }

        boolean isChunked() {
            return "chunked".equalsIgnoreCase(fields.get("transfer-encoding"));
        }

        long length() {
            return Long.parseLong(fields.getOrDefault("content-length", "0"));
        }
    }
}
