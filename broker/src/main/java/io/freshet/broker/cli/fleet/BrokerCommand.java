// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code freshet broker}: the nodes that {@code freshet up --brokers N} runs, one by one. */
@Command(
        name = "broker",
        description = "Kills, stops, starts and lists the brokers of `freshet up --brokers N`.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class BrokerCommand {
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);

    @Spec
    CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    public BrokerCommand() {}

    /** Which fleet. */
    static final class Folder {
        @Option(
                names = "--data",
                paramLabel = "DIR",
                defaultValue = "data",
                description = "The folder given to freshet up (default: ${DEFAULT-VALUE}).")
        Path data;

        @SuppressWarnings("NullAway.Init")
        Folder() {}

        Fleet fleet() {
            return Fleet.read(data);
        }
    }

    @Command(name = "kill", description = "kill -9: the node gets no word of warning.", mixinStandardHelpOptions = true)
    int kill(@Parameters(paramLabel = "N") int id, @picocli.CommandLine.Mixin Folder folder) {
        FleetRun.process(folder.fleet().node(id)).kill();
        return say("Node " + id + " is killed");
    }

    @Command(name = "stop", description = "SIGTERM: the node ends cleanly.", mixinStandardHelpOptions = true)
    int stop(@Parameters(paramLabel = "N") int id, @picocli.CommandLine.Mixin Folder folder) {
        FleetRun.process(folder.fleet().node(id)).stop(STOP_TIMEOUT);
        return say("Node " + id + " has stopped");
    }

    @Command(name = "start", description = "Starts a node that does not run.", mixinStandardHelpOptions = true)
    int start(@Parameters(paramLabel = "N") int id, @picocli.CommandLine.Mixin Folder folder) {
        NodeProcess process = FleetRun.process(folder.fleet().node(id));
        process.start();
        return say(FleetRun.describe(process));
    }

    @Command(name = "list", description = "Lists the nodes and their processes.", mixinStandardHelpOptions = true)
    int list(@picocli.CommandLine.Mixin Folder folder) {
        for (FleetNode node : folder.fleet().nodes()) {
            say(FleetRun.describe(FleetRun.process(node)));
        }
        return 0;
    }

    private int say(String line) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line);
        out.flush();
        return 0;
    }
}
