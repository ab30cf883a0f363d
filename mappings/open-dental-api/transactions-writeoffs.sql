-- key: ClaimProcNum
-- changed: SecDateTEdit
-- What the office writes off for an insurer; -1 means "not set".
select c.ClaimProcNum, c.PatNum, c.DateCP, c.WriteOff, c.ProvNum, c.ClinicNum, c.SecDateTEdit
from claimproc c
where c.Status in (1, 4, 5, 7) and c.WriteOff > 0
