// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The commands that a node knows, by their number. */
record CommandTypes(Map<Short, CommandType<?, ?>> byId) {
    /** All of this version. */
    static final CommandTypes ALL = of(Stream.of(
                    TopicCommandTypes.ALL,
                    BrokerCommandTypes.ALL,
                    MemberCommandTypes.ALL,
                    FeatureCommandTypes.ALL,
                    BalanceCommandTypes.ALL,
                    StreamCommandTypes.ALL,
                    QueryTypes.ALL,
                    WalCommandTypes.ALL)
            .flatMap(List::stream)
            .toList());

    /** Two commands of one number are a mistake that ends the start. */
    static CommandTypes of(List<CommandType<?, ?>> types) {
        return new CommandTypes(
                types.stream().collect(Collectors.toUnmodifiableMap(CommandType::id, Function.identity())));
    }

    Optional<CommandType<?, ?>> find(short id) {
        return Optional.ofNullable(byId.get(id));
    }
}
