-- key: ClaimProcNum
-- changed: SecDateTEdit
-- What insurers paid: received (1), supplemental (4) and capitation (5, 7). Estimates and what was only sent are no money. The
-- API lists claims of one chart only; where the office allows queries, this one is asked instead.
select c.ClaimProcNum, c.PatNum, c.DateCP, c.InsPayAmt, c.ProvNum, c.ClinicNum, c.SecDateTEdit
from claimproc c
where c.Status in (1, 4, 5, 7) and c.InsPayAmt <> 0
