// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.server.BrokerServer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code freshet server FILE}: what freshet-server-start.sh runs. */
@Command(
        name = "server",
        description = "Starts a node from a server.properties file, in a directory formatted by kafka-storage.sh.",
        mixinStandardHelpOptions = true)
final class ServerCommand implements Callable<Integer> {
    @Spec
    CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "The node's server.properties.")
    Path file;

    @Option(names = "--override", paramLabel = "key=value", description = "Wins over the file; may be repeated.")
    Map<String, String> overrides = new LinkedHashMap<>();

    @SuppressWarnings("NullAway.Init")
    ServerCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        ServerConfig config = ServerConfig.load(file, overrides);
        BrokerServer server = BrokerServer.start(config);
        spec.commandLine().getOut().println("Ready: " + server.describe());
        spec.commandLine().getOut().flush();
        return ServerRun.untilStopped(server, () -> BrokerServer.start(config));
    }
}
