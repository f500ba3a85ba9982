// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.testing;

import java.net.URI;
import java.nio.file.Path;
import org.awaitility.Awaitility;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import org.jspecify.annotations.Nullable;

/** A real S3 server (s3proxy) in this JVM, on a free port of the loopback interface. */
public final class S3Server implements AutoCloseable {
    public static final String ACCESS_KEY = "access";
    public static final String SECRET_KEY = "secretsecret";

    private final S3Proxy proxy;
    private final BlobStore blobs;

    private S3Server(S3Proxy proxy, BlobStore blobs) {
        this.proxy = proxy;
        this.blobs = blobs;
    }

    /** Starts a server that keeps its objects below {@code directory}, or in memory if that is null. */
    public static S3Server start(@Nullable Path directory) throws Exception {
        BlobStore blobs =
                directory == null ? new TransientNio2BlobStore() : new FilesystemNio2BlobStore(directory.toString());
        S3Proxy proxy = S3Proxy.builder()
                .blobStore(blobs)
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
                .v4MaxNonChunkedRequestSize(256L << 20)
                .jettyMaxThreads(64)
                .build();
        proxy.start();
        Awaitility.await().until(() -> proxy.getState().equals("STARTED"));
        return new S3Server(proxy, blobs);
    }

    /** Makes the SDK's default credential chain of this JVM find this server's credentials. */
    public static void offerCredentials() {
        System.setProperty("aws.accessKeyId", ACCESS_KEY);
        System.setProperty("aws.secretAccessKey", SECRET_KEY);
    }

    public void createBucket(String bucket) {
        blobs.createContainer(bucket);
    }

    /** Uploads that were begun in {@code bucket} and neither completed nor aborted. */
    public int unfinishedUploads(String bucket) {
        return blobs.listMultipartUploads(bucket).size();
    }

    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + proxy.getPort());
    }

    /** The store URI of {@code bucket} on this server; credentials come apart from it. */
    public String storeUri(String bucket) {
        return "s3://" + bucket + "?endpoint=" + endpoint() + "&region=us-east-1&pathStyle=true";
    }

    @Override
    public void close() {
        try {
            proxy.stop();
        } catch (Exception e) {
            throw new IllegalStateException("The S3 server did not stop", e);
        }
        blobs.close();
    }
}
