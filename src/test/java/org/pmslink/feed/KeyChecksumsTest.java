package org.pmslink.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeyChecksumsTest {
  private static KeyChecksums of(List<String> keys) {
    KeyChecksums checksums = new KeyChecksums();
    keys.forEach(checksums::add);
    return checksums;
  }

  private static List<String> keys(int from, int to) {
    return IntStream.range(from, to).mapToObj(String::valueOf).toList();
  }

  @Test
  void equalSetsDifferNowhereWhateverTheirOrder() {
    List<String> keys = keys(0, 200_000);
    List<String> backwards = keys.stream().sorted((a, b) -> b.compareTo(a)).toList();

    KeyChecksums one = of(keys);
    KeyChecksums other = of(backwards);

    assertThat(keys).noneMatch(key -> one.differAround(key, other));
    assertThat(one.equalTo(other)).isTrue();
    other.add("one more");
    assertThat(one.equalTo(other)).isFalse();
  }

  @Test
  void everyKeyThatIsMissingIsAmongThoseInDoubtAndFewOthersAre() {
    List<String> stored = keys(0, 200_000);
    KeyChecksums inStore = of(stored);
    KeyChecksums inPms = of(stored.stream().filter(key -> !key.endsWith("777")).toList());

    List<String> doubtful =
        stored.stream().filter(key -> inPms.differAround(key, inStore)).toList();

    List<String> missing = stored.stream().filter(key -> key.endsWith("777")).toList();
    assertThat(doubtful).containsAll(missing);
    assertThat(doubtful.size()).isLessThan(missing.size() * 10);
  }

  @Test
  void anotherKeyInTheSamePlaceHidesNothing() {
    // As many keys, but others: a wrong database, or one whose keys were given anew.
    List<String> stored = keys(0, 200_000);
    KeyChecksums inStore = of(stored);
    KeyChecksums inPms = of(keys(500_000, 700_000));

    assertThat(stored).allMatch(key -> inPms.differAround(key, inStore));
  }
}
