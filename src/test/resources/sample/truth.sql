-- Who is who in the sample practice. In a database of its own, so that nothing that reads the
-- practice can see the answers.

CREATE TABLE chart (
  pat_num bigint NOT NULL PRIMARY KEY,
  person_id bigint NULL COMMENT 'NULL when the chart is nobody: a lab, an insurer, a test patient',
  survivor bigint NOT NULL COMMENT 'the chart that is left after all merges; itself when not merged',
  gone tinyint NOT NULL DEFAULT 0 COMMENT 'row deleted in the practice',
  traps varchar(255) NOT NULL DEFAULT '',
  KEY person_id (person_id),
  KEY survivor (survivor)
);

CREATE TABLE member (
  number bigint NOT NULL PRIMARY KEY,
  person_id bigint NOT NULL,
  pat_num bigint NULL COMMENT 'the chart a careful human would link',
  label enum('match', 'review', 'none') NOT NULL,
  traps varchar(255) NOT NULL DEFAULT '',
  name_agrees tinyint NOT NULL,
  birth_date_agrees tinyint NOT NULL,
  ambiguous tinyint NOT NULL COMMENT 'a second member or a namesake of the same birth date exists',
  contacts varchar(255) NOT NULL COMMENT 'ten-digit phones and e-mails the member gave, blank-separated',
  family varchar(100) NOT NULL,
  given varchar(100) NOT NULL,
  birth_date date NOT NULL,
  gender tinyint NOT NULL,
  phone varchar(10) NOT NULL,
  email varchar(100) NOT NULL,
  KEY person_id (person_id)
);
