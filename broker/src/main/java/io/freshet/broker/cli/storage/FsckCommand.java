// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.inspect.StoragePages;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code freshet storage fsck}: verifies a running node's storage, or builds the metadata of a lost quorum anew. */
@Command(
        name = "fsck",
        description = {
            "Verifies that the objects of a running node are there and sound, and that manifests and objects agree.",
            "With --rebuild: reconstructs the metadata of a lost quorum from a bucket, into a new data directory.",
            "Nothing in the bucket is ever changed. Exit code 0: clean, 1: findings, 2: could not run."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class FsckCommand implements Callable<Integer> {
    private static final int COULD_NOT_RUN = 2;

    @Mixin
    Printing print;

    @Mixin
    StoreOption storeOption;

    @Option(
            names = "--http",
            paramLabel = "HOST:PORT",
            defaultValue = "localhost:8080",
            description = "HTTP listener of a running node (default: ${DEFAULT-VALUE}).")
    String http;

    @Option(names = "--deep", description = "Reads every byte: checks all blocks and Kafka's CRC of every batch.")
    boolean deep;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "8",
            description = "Objects read at a time (default: ${DEFAULT-VALUE}).")
    int threads;

    @Option(names = "--rebuild", description = "Reconstructs metadata from --bucket into --data.")
    boolean rebuild;

    @Option(names = "--data", paramLabel = "DIR", description = "Rebuild: a data directory that is new or empty.")
    @Nullable
    Path data;

    @Option(
            names = "--node-id",
            paramLabel = "N",
            defaultValue = "1",
            description = "Rebuild: the new node's id (default: ${DEFAULT-VALUE}, as freshet up has it).")
    int nodeId;

    @Option(names = "--cluster-id", paramLabel = "ID", description = "Rebuild: the cluster's id (default: a new one).")
    @Nullable
    String clusterId;

    @Option(
            names = "--map",
            paramLabel = "FILE",
            description = "Rebuild: JSON with names of topics: "
                    + "[{\"streamId\":1,\"topic\":\"orders\",\"partition\":0}, …].")
    @Nullable
    Path map;

    @Option(names = "--accept-loss", description = "Rebuild: goes on although objects are damaged or logs have gaps.")
    boolean acceptLoss;

    @SuppressWarnings("NullAway.Init")
    FsckCommand() {}

    @Override
    public Integer call() {
        try {
            return rebuild ? rebuild() : verify();
        } catch (FreshetException e) {
            if (e.kind() == ErrorKind.INTERNAL) {
                throw e;
            }
            print.progress("freshet: " + e.getMessage());
            return COULD_NOT_RUN;
        }
    }

    private int verify() {
        NodeClient node = new NodeClient(http);
        StoragePages.Overview overview = node.overview();
        String uri = storeOption.uri().orElse(overview.storageUri());
        try (OpenStore store = OpenStore.open(uri);
                ParallelReads reads = new ParallelReads(threads)) {
            return new Fsck(print, node, overview, store, reads, deep).run();
        }
    }

    private int rebuild() {
        if (data == null) {
            throw new FreshetException(
                    ErrorKind.INVALID, "--rebuild needs --data DIR, a new directory for the metadata; name one");
        }
        String uri = storeOption
                .uri()
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.INVALID, "--rebuild needs the object store; give --bucket URI or --config FILE"));
        try (OpenStore store = OpenStore.open(uri);
                ParallelReads reads = new ParallelReads(threads)) {
            Rebuild.Options options = new Rebuild.Options(data, nodeId, clusterId, map, acceptLoss, deep, uri);
            return new Rebuild(print, store, reads, options).run();
        }
    }
}
