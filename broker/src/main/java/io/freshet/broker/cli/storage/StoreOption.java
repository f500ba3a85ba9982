// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.config.ServerConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which object store a command is about. */
final class StoreOption {
    @Option(
            names = "--bucket",
            paramLabel = "URI",
            description = "The object store: s3://name?endpoint=…&region=…&pathStyle=true or file:///folder.")
    @Nullable
    String bucket;

    @Option(names = "--config", paramLabel = "FILE", description = "The object store of this server.properties.")
    @Nullable
    Path config;

    StoreOption() {}

    /** The store that the options name; empty if they name none. */
    Optional<String> uri() {
        if (bucket != null) {
            return Optional.of(bucket);
        }
        return config == null
                ? Optional.empty()
                : Optional.of(ServerConfig.load(config, Map.of()).storageUri());
    }

    /** The store in the data directory of {@code freshet up}, if it has one. */
    static Optional<String> inDirectory(Path data) {
        Path objects = data.toAbsolutePath().normalize().resolve("objects");
        return Files.isDirectory(objects) ? Optional.of(objects.toUri().toString()) : Optional.empty();
    }
}
