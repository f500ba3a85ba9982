// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.cli.fleet.BrokerCommand;
import io.freshet.broker.cli.storage.StorageCommand;
import io.freshet.common.FreshetException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code freshet}: the root of the command line. */
@Command(
        name = "freshet",
        description = "A Kafka-compatible streaming server whose data lives on shared storage.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            UpCommand.class,
            BrokerCommand.class,
            BalanceCommand.class,
            ServerCommand.class,
            StorageCommand.class,
            TrainCommand.class,
            CommandLine.HelpCommand.class
        },
        synopsisSubcommandLabel = "COMMAND")
public final class Freshet {
    private Freshet() {}

    /** Runs the command and exits with its code: 0 done, 1 failed, 2 wrong arguments. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    static int run(String... arguments) {
        CommandLine line = new CommandLine(new Freshet());
        line.setExecutionExceptionHandler((error, command, parsed) -> {
            FreshetException known = FreshetException.of(error);
            command.getErr().println("freshet: " + known.getMessage());
            if (known.kind() == io.freshet.common.ErrorKind.INTERNAL) {
                known.printStackTrace(command.getErr());
            }
            return 1;
        });
        if (arguments.length == 0) {
            line.usage(line.getOut());
            return 2;
        }
        return line.execute(arguments);
    }
}
