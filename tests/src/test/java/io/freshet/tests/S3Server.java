// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/** A real S3 server in this JVM, with its objects in a folder. */
final class S3Server implements AutoCloseable {
    private static final String ACCESS_KEY = "access";
    private static final String SECRET_KEY = "secretsecret";

    private final Path folder;
    private final String host;
    private final int port;
    private S3Proxy proxy;

    private S3Server(Path folder, String host, S3Proxy proxy) {
        this.folder = folder;
        this.host = host;
        this.proxy = proxy;
        this.port = proxy.getPort();
    }

    /** Starts on a free port of the loopback interface, with one bucket. */
    static S3Server start(Path folder, String bucket) throws Exception {
        return start(folder, bucket, "127.0.0.1");
    }

    /** The same, at another address of this machine. */
    static S3Server start(Path folder, String bucket, String host) throws Exception {
        Files.createDirectories(folder.resolve(bucket));
        return new S3Server(folder, host, startProxy(folder, host, 0));
    }

    private static S3Proxy startProxy(Path folder, String host, int port) throws Exception {
        S3Proxy proxy = S3Proxy.builder()
                .blobStore(new FilesystemNio2BlobStore(folder.toString()))
                .endpoint(URI.create("http://" + host + ":" + port))
                .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
                .v4MaxNonChunkedRequestSize(256L << 20)
                .jettyMaxThreads(64)
                .build();
        proxy.start();
        while (!proxy.getState().equals("STARTED")) {
            LockSupport.parkNanos(1_000_000);
        }
        return proxy;
    }

    /** Nobody listens until {@link #restart}. */
    void interrupt() throws Exception {
        proxy.stop();
    }

    /** On the same port and folder. */
    void restart() throws Exception {
        proxy = startProxy(folder, host, port);
    }

    int port() {
        return port;
    }

    String uri(String bucket) {
        return "s3://" + bucket + "?endpoint=http://" + host + ":" + port + "&region=us-east-1&pathStyle=true";
    }

    Map<String, String> credentials() {
        return Map.of("AWS_ACCESS_KEY_ID", ACCESS_KEY, "AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    }

    @Override
    public void close() throws IOException {
        try {
            proxy.stop();
        } catch (Exception e) {
            throw new IOException("The S3 server did not stop", e);
        }
    }
}
