// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import picocli.CommandLine.Command;

/** {@code freshet storage}: the group of commands about storage. */
@Command(
        name = "storage",
        description = "Looks at storage, verifies it, and gets it back from a bucket.",
        mixinStandardHelpOptions = true,
        subcommands = {DescribeCommand.class, FsckCommand.class, DumpCommand.class},
        synopsisSubcommandLabel = "COMMAND")
public final class StorageCommand {}
