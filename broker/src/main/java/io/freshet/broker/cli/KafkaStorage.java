// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.MetadataFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.kafka.common.Uuid;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kafka-storage.sh}: formats and inspects a node's metadata directory, with the options of Kafka's own tool. */
@Command(
        name = "kafka-storage.sh",
        description = "Formats and inspects a node's metadata directory.",
        mixinStandardHelpOptions = true,
        subcommands = {KafkaStorage.RandomUuid.class, KafkaStorage.Format.class, KafkaStorage.Show.class})
public final class KafkaStorage {
    private KafkaStorage() {}

    /** Runs the command and exits with its code: 0 done, 1 failed, 2 wrong arguments. */
    public static void main(String[] arguments) {
        CommandLine line = new CommandLine(new KafkaStorage());
        line.setExecutionExceptionHandler((error, command, parsed) -> {
            command.getErr().println(FreshetException.of(error).getMessage());
            return 1;
        });
        if (arguments.length == 0) {
            line.usage(line.getErr());
            System.exit(2);
        }
        System.exit(line.execute(arguments));
    }

    /** Runs the command in this process, without a word; fails as it does. */
    static void run(List<String> arguments) {
        CommandLine line = new CommandLine(new KafkaStorage());
        StringWriter said = new StringWriter();
        line.setOut(new PrintWriter(said));
        line.setErr(new PrintWriter(said));
        line.setExecutionExceptionHandler((error, command, parsed) -> {
            said.append(FreshetException.of(error).getMessage());
            return 1;
        });
        if (line.execute(arguments.toArray(String[]::new)) != 0) {
            throw new FreshetException(ErrorKind.INVALID, "kafka-storage.sh " + arguments + " failed: " + said);
        }
    }

    @Command(name = "random-uuid", description = "Prints a random cluster id.")
    static final class RandomUuid implements Callable<Integer> {
        @Spec
        CommandSpec spec;

        @SuppressWarnings("NullAway.Init")
        RandomUuid() {}

        @Override
        public Integer call() {
            spec.commandLine().getOut().println(Uuid.randomUuid());
            spec.commandLine().getOut().flush();
            return 0;
        }
    }

    /** The node that a command is about, and where the command speaks. */
    static final class Node {
        @Spec(Spec.Target.MIXEE)
        CommandSpec spec;

        @Option(
                names = {"-c", "--config"},
                required = true,
                description = "The node's server.properties.")
        Path file;

        @SuppressWarnings("NullAway.Init")
        Node() {}

        ServerConfig config() {
            return ServerConfig.load(file, Map.of());
        }

        void say(String line) {
            spec.commandLine().getOut().println(line);
            spec.commandLine().getOut().flush();
        }

        void complain(String line) {
            spec.commandLine().getErr().println(line);
            spec.commandLine().getErr().flush();
        }
    }

    @Command(name = "format", description = "Formats the metadata directory of a configuration.")
    static final class Format implements Callable<Integer> {
        @Mixin
        Node node;

        @Option(
                names = {"-t", "--cluster-id"},
                required = true,
                description = "Cluster id, as printed by random-uuid.")
        String clusterId;

        @Option(
                names = {"-s", "--standalone"},
                description = "This node is the first, and for now only, voter (the default).")
        boolean standalone;

        @Option(
                names = {"-g", "--ignore-formatted"},
                description = "Do nothing if the directory is formatted already.")
        boolean ignoreFormatted;

        @SuppressWarnings("NullAway.Init")
        Format() {}

        @Override
        public Integer call() {
            ServerConfig config = node.config();
            Path directory = config.metadataDirectory();
            if (MetadataFormat.isFormatted(directory)) {
                if (ignoreFormatted) {
                    node.say("Already formatted: " + directory);
                    return 0;
                }
                node.complain("Already formatted: " + directory + ". Use --ignore-formatted to leave it as it is.");
                return 1;
            }
            Formatting.format(config, clusterId);
            node.say("Formatted " + directory + " for cluster " + clusterId + ", node " + config.nodeId() + ".");
            return 0;
        }
    }

    @Command(name = "info", description = "Shows what the metadata directory of a configuration holds.")
    static final class Show implements Callable<Integer> {
        @Mixin
        Node node;

        @SuppressWarnings("NullAway.Init")
        Show() {}

        @Override
        public Integer call() {
            Path directory = node.config().metadataDirectory();
            if (!MetadataFormat.isFormatted(directory)) {
                node.say("Not formatted: " + directory);
                return 1;
            }
            node.say("Found metadata directory " + directory + ", cluster " + MetadataFormat.clusterId(directory)
                    + ", node " + MetadataFormat.nodeId(directory) + ".");
            return 0;
        }
    }
}
