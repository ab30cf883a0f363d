-- The engine only ever reads a practice management system, so its user can do nothing else.
create user 'pmslink_reader'@'%' identified by 'pmslink_reader';
grant select on opendental.* to 'pmslink_reader'@'%';
