-- key: AptNum
-- changed: DateTStamp
-- Appointments. Planned ones (6) are ideas, and notes (7, 8) are no appointments at all.
select a.AptNum, a.PatNum, a.AptStatus, a.AptDateTime, char_length(a.Pattern) * 5 as Minutes,
       case when a.IsHygiene = 1 and a.ProvHyg <> 0 then a.ProvHyg else a.ProvNum end as Provider, a.ClinicNum,
       a.DateTStamp
from appointment a
where a.AptStatus not in (0, 6, 7, 8)
