// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Stands between a server and its S3 and spoils each request as told. A thread per connection; safe for use by many threads.
 */
public final class FaultProxy implements AutoCloseable {
    /** What becomes of a request. */
    public enum Fault {
        NONE,
        /** 503 SlowDown, nothing is done. */
        SLOW_DOWN,
        /** 403, nothing is done. */
        DENIED,
        /** 404 NoSuchBucket, nothing is done. */
        BUCKET_GONE,
        /** 507 QuotaExceeded for writes; the rest goes on. */
        BUCKET_FULL,
        /** No answer until the fault ends; nothing is done. */
        HANGS,
        /** All is done, and the connection closed without a word. */
        ANSWER_LOST,
        /** All is done, but a body ends in its middle; answers without a body are lost. */
        BODY_CUT,
        /** All is done, half a second late. */
        SLOW,
        /** Connections end, and new ones too. */
        GONE
    }

    private static final int COPY_BYTES = 64 << 10;

    private final ServerSocket listener;
    private final int targetPort;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicLong spoiled = new AtomicLong();
    private volatile Fault fault = Fault.NONE;
    private volatile boolean closed;

    private FaultProxy(ServerSocket listener, int targetPort) {
        this.listener = listener;
        this.targetPort = targetPort;
    }

    /** Starts on a free port of the loopback interface, passing everything on. */
    public static FaultProxy start(int targetPort) throws IOException {
        return start(InetAddress.getLoopbackAddress(), targetPort);
    }

    /** The same, at an address of this machine that servers reach. */
    public static FaultProxy start(InetAddress address, int targetPort) throws IOException {
        FaultProxy proxy = new FaultProxy(new ServerSocket(0, 100, address), targetPort);
        thread("fault-proxy", proxy::accept);
        return proxy;
    }

    private static void thread(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** From the next request on. */
    public void set(Fault next) {
        fault = next;
        if (next == Fault.GONE) {
            open.forEach(this::reset);
        }
    }

    private void reset(Socket socket) {
        spoiled.incrementAndGet();
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It has ended by itself.
        }
    }

    /** Requests spoiled so far. */
    public long spoiled() {
        return spoiled.get();
    }

    private void accept() {
        while (!closed) {
            try {
                Socket client = listener.accept();
                open.add(client);
                if (fault == Fault.GONE) {
                    open.remove(client);
                    reset(client);
                    continue;
                }
                thread("fault-proxy-connection", () -> serve(client));
            } catch (IOException e) {
                closed = true;
            }
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket target = new Socket(InetAddress.getLoopbackAddress(), targetPort)) {
            open.add(target);
            client.setTcpNoDelay(true);
            target.setTcpNoDelay(true);
            InputStream fromClient = new BufferedInputStream(client.getInputStream(), COPY_BYTES);
            InputStream fromTarget = new BufferedInputStream(target.getInputStream(), COPY_BYTES);
            boolean goesOn = true;
            while (goesOn) {
                goesOn = exchange(fromClient, client.getOutputStream(), fromTarget, target.getOutputStream());
            }
            open.remove(target);
        } catch (IOException e) {
            // One side has closed: so does the other.
        } finally {
            open.remove(client);
        }
    }

    /** One request and its answer; false when the connections are to be closed. */
    private boolean exchange(
            InputStream fromClient, OutputStream toClient, InputStream fromTarget, OutputStream toTarget)
            throws IOException {
        Head request = Head.read(fromClient);
        if (request == null) {
            return false;
        }
        if (request.value("expect") != null) {
            toClient.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            toClient.flush();
        }
        Fault present = fault;
        if (present == Fault.GONE) {
            return false;
        }
        boolean isWrite = request.first().startsWith("PUT") || request.first().startsWith("POST");
        if (present == Fault.BUCKET_FULL && !isWrite) {
            present = Fault.NONE;
        }
        if (present != Fault.NONE) {
            spoiled.incrementAndGet();
        }
        String refusal = refusal(present);
        boolean isForwarded = refusal.isEmpty() && present != Fault.HANGS;
        OutputStream sink = isForwarded ? toTarget : OutputStream.nullOutputStream();
        request.writeTo(sink, "expect");
        request.copyBody(fromClient, sink, Long.MAX_VALUE);
        sink.flush();
        if (present == Fault.HANGS) {
            while (fault == Fault.HANGS && !closed) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
            return false;
        }
        if (!isForwarded) {
            boolean isHead = request.first().startsWith("HEAD");
            toClient.write(answer(refusal, isHead).getBytes(StandardCharsets.ISO_8859_1));
            toClient.flush();
            return true;
        }
        return answer(present, request, fromTarget, toClient);
    }

    private boolean answer(Fault present, Head request, InputStream fromTarget, OutputStream toClient)
            throws IOException {
        Head response = Head.read(fromTarget);
        if (response == null) {
            return false;
        }
        boolean hasBody = !request.first().startsWith("HEAD")
                && !response.first().contains(" 204 ")
                && !response.first().contains(" 304 ");
        if (present == Fault.SLOW) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
        }
        boolean isCut = present == Fault.BODY_CUT && hasBody && response.length() > 1;
        boolean isLost = present == Fault.ANSWER_LOST || (present == Fault.BODY_CUT && !isCut);
        OutputStream sink = isLost ? OutputStream.nullOutputStream() : toClient;
        response.writeTo(sink, "");
        if (hasBody) {
            response.copyBody(fromTarget, sink, isCut ? response.length() / 2 : Long.MAX_VALUE);
        }
        sink.flush();
        return !isLost && !isCut && !"close".equalsIgnoreCase(response.value("connection"));
    }

    private static String refusal(Fault fault) {
        return switch (fault) {
            case SLOW_DOWN -> "503 Service Unavailable/SlowDown";
            case DENIED -> "403 Forbidden/AccessDenied";
            case BUCKET_GONE -> "404 Not Found/NoSuchBucket";
            case BUCKET_FULL -> "507 Insufficient Storage/QuotaExceeded";
            default -> "";
        };
    }

    private static String answer(String refusal, boolean isHead) {
        String[] parts = refusal.split("/", 2);
        String body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + parts[1] + "</Code><Message>"
                + parts[1] + "</Message><RequestId>1</RequestId></Error>";
        return "HTTP/1.1 " + parts[0] + "\r\nContent-Type: application/xml\r\nContent-Length: " + body.length()
                + "\r\n\r\n" + (isHead ? "" : body);
    }

    @Override
    public void close() throws IOException {
        closed = true;
        listener.close();
        for (Socket socket : open) {
            socket.close();
        }
    }

    /** First line and header lines of a request or answer. */
    private record Head(String first, List<String> lines) {
        /** Null at the connection's end. */
        static @Nullable Head read(InputStream from) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int newLines = 0;
            while (newLines < 2) {
                int next = from.read();
                if (next < 0) {
                    return null;
                }
                bytes.write(next);
                if (next == '\n') {
                    newLines++;
                } else if (next != '\r') {
                    newLines = 0;
                }
            }
            List<String> all = bytes.toString(StandardCharsets.ISO_8859_1)
                    .lines()
                    .filter(line -> !line.isEmpty())
                    .toList();
            if (all.isEmpty()) {
                return null;
            }
            return new Head(all.get(0), all.subList(1, all.size()));
        }

        @Nullable
        String value(String name) {
            return lines.stream()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .findFirst()
                    .orElse(null);
        }

        long length() {
            String value = value("content-length");
            return value == null ? 0 : Long.parseLong(value);
        }

        void writeTo(OutputStream to, String without) throws IOException {
            StringBuilder text = new StringBuilder(first).append("\r\n");
            for (String line : lines) {
                if (without.isEmpty() || !line.toLowerCase(Locale.ROOT).startsWith(without + ":")) {
                    text.append(line).append("\r\n");
                }
            }
            to.write(text.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        }

        void copyBody(InputStream from, OutputStream to, long most) throws IOException {
            if ("chunked".equalsIgnoreCase(value("transfer-encoding"))) {
                copyChunks(from, to);
            } else {
                copy(from, to, Math.min(length(), most));
            }
        }

        private static void copyChunks(InputStream from, OutputStream to) throws IOException {
            long size;
            do {
                String line = line(from);
                to.write((line + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                size = Long.parseLong(line.split(";", 2)[0].trim(), 16);
                copy(from, to, size + 2);
            } while (size > 0);
        }

        private static String line(InputStream from) throws IOException {
            StringBuilder line = new StringBuilder();
            int next = from.read();
            while (next != '\n') {
                if (next < 0) {
                    throw new EOFException();
                }
                if (next != '\r') {
                    line.append((char) next);
                }
                next = from.read();
            }
            return line.toString();
        }

        private static void copy(InputStream from, OutputStream to, long bytes) throws IOException {
            byte[] buffer = new byte[COPY_BYTES];
            long left = bytes;
            while (left > 0) {
                int read = from.read(buffer, 0, (int) Math.min(left, buffer.length));
                if (read < 0) {
                    throw new EOFException();
                }
                to.write(buffer, 0, read);
                left -= read;
            }
        }
    }
}
